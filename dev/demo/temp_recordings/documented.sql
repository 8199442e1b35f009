-- The bot's tables as its guide documents them; statuses are plain texts here, so that an unknown one can be planted.
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
  filename varchar(512) not null
);

create table temp_recordings (
  id varchar(16) primary key,
  meeting_id varchar(16) not null references meetings,
  user_id varchar(20) not null,
  guild_id varchar(20) not null,
  created_at timestamp not null,
  completed_at timestamp,
  pcm_path varchar(512) not null,
  mp3_path varchar(512),
  transcode_status text not null default 'queued',
  sha256 varchar(64),
  duration_ms integer,
  cleaned integer not null default 0
);
create index on temp_recordings (meeting_id);
