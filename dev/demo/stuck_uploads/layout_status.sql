-- The service's tables as they were later: a status for each step, the first of which is that of the layout.
create table videos (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid,
  video_path text not null,
  display_path text,
  storage_key text not null,
  size_bytes bigint,
  duration_seconds real,
  layout_status text default 'wait' check (layout_status in ('wait', 'annotate', 'done', 'review', 'error')),
  boundaries_status text default 'wait',
  text_status text default 'wait',
  layout_error_details jsonb,
  total_frames int default 0,
  current_cropped_frames_version int,
  uploaded_by_user_id uuid,
  uploaded_at timestamptz default now(),
  deleted_at timestamptz,
  is_demo boolean not null default false
);

create index videos_waiting on videos (layout_status) where deleted_at is null;

create table video_database_state (
  video_id uuid not null references videos on delete cascade,
  database_name text not null check (database_name in ('layout', 'captions')),
  tenant_id uuid,
  server_version bigint not null default 0,
  wasabi_version bigint not null default 0,
  wasabi_synced_at timestamptz,
  working_copy_path text,
  lock_holder_user_id uuid,
  lock_type text check (lock_type in ('client', 'server')),
  locked_at timestamptz,
  last_activity_at timestamptz,
  active_connection_id text,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  primary key (video_id, database_name)
);
