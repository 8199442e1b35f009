-- The service's tables as its guide documents them: one status for a video, and its file's key and size.
create table videos (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid,
  name text not null,
  storage_key text not null,
  size_bytes bigint,
  status text default 'uploading',
  created_at timestamptz default now(),
  deleted_at timestamptz
);

create table video_database_state (
  video_id uuid not null references videos on delete cascade,
  database_name text not null check (database_name in ('layout', 'captions')),
  tenant_id uuid,
  server_version bigint not null default 0,
  wasabi_version bigint not null default 0,
  lock_holder_user_id uuid,
  lock_type text check (lock_type in ('client', 'server')),
  locked_at timestamptz,
  last_activity_at timestamptz,
  updated_at timestamptz default now(),
  primary key (video_id, database_name)
);
