-- The bot's tables as they are later: a chunk has fewer columns, and a recording its user. Statuses are plain texts here, too.
create table meetings (
  id varchar(16) primary key,
  guild_id varchar(20) not null,
  channel_id varchar(20) not null,
  started_at timestamp not null,
  ended_at timestamp not null,
  updated_at timestamp,
  status text not null default 'scheduled',
  requested_by varchar(20) not null,
  participants json not null default '{}',
  recording_files json not null default '{}',
  transcript_ids json not null default '{}'
);

create table recordings (
  id varchar(16) primary key,
  created_at timestamp not null,
  duration_in_ms integer not null,
  meeting_id varchar(16) not null references meetings,
  sha256 varchar(64) not null unique,
  filename varchar(512) not null,
  user_id varchar(20) not null
);

create table temp_recordings (
  id varchar(16) primary key,
  meeting_id varchar(16) not null references meetings,
  user_id varchar(20) not null,
  created_at timestamp not null,
  filename varchar(512) not null,
  timestamp_ms bigint,
  transcode_status text not null default 'queued'
);
create index on temp_recordings (meeting_id);
