-- The part of the PRE database that the audit reads, as it stands after the service's migrations V001 to V053.
create type recording_origin as enum ('PRE','VODAFONE','VODAFONE_VISIBLE');
create type recording_status as enum ('STANDBY','INITIALISING','RECORDING','RECORDING_AVAILABLE','PROCESSING','FAILURE','NO_RECORDING');
create type case_state as enum ('OPEN','PENDING_CLOSURE','CLOSED');
create type audit_log_source as enum ('APPLICATION','PORTAL','ADMIN','AUTO');
create type encode_transform as enum ('ENCODE_FROM_INGEST','ENCODE_FROM_MP4');
create type edit_request_status as enum ('PENDING','PROCESSING','COMPLETE','ERROR','DRAFT','SUBMITTED','APPROVED','REJECTED');
create type court_type as enum ('CROWN','MAGISTRATE','FAMILY');

create table courts (id uuid primary key, court_type court_type not null, name varchar(255) not null, location_code varchar(25));
create table users (id uuid primary key, first_name varchar(100) not null, last_name varchar(100) not null, email varchar(100) not null,
  organisation varchar(250), phone varchar(50), deleted_at timestamptz, created_at timestamptz default now(), modified_at timestamptz default now());
create table cases (id uuid primary key, court_id uuid not null references courts, reference varchar(25) not null, test boolean default false,
  deleted_at timestamptz, created_at timestamptz not null default now(), modified_at timestamptz default now(),
  state case_state not null default 'OPEN', closed_at timestamp, origin recording_origin not null default 'PRE');
create table bookings (id uuid primary key, case_id uuid not null references cases, scheduled_for timestamptz not null,
  deleted_at timestamptz, created_at timestamptz not null default now(), modified_at timestamptz default now());
create table capture_sessions (id uuid primary key, booking_id uuid not null references bookings, origin recording_origin not null,
  ingest_address varchar(255), live_output_url varchar(255), started_at timestamptz, started_by_user_id uuid references users,
  finished_at timestamptz, finished_by_user_id uuid references users, deleted_at timestamptz, status recording_status);
create table recordings (id uuid primary key, capture_session_id uuid not null references capture_sessions,
  parent_recording_id uuid references recordings, version int not null, filename varchar(255) not null, created_at timestamptz not null,
  duration interval, edit_instruction json, deleted_at timestamptz, is_reencode boolean not null default false);
create table share_bookings (id uuid primary key, booking_id uuid not null references bookings, shared_with_user_id uuid not null references users,
  shared_by_user_id uuid not null references users, created_at timestamptz default now(), deleted_at timestamptz);
create table encode_jobs (id uuid primary key, capture_session_id uuid not null references capture_sessions, recording_id uuid not null,
  job_name varchar(255) not null, transform encode_transform not null, created_at timestamptz not null default now(), modified_at timestamptz not null default now());
create table edit_requests (id uuid primary key, source_recording_id uuid not null references recordings, edit_instruction json,
  status edit_request_status not null, started_at timestamptz, finished_at timestamptz, created_by uuid not null references users,
  created_at timestamptz not null default now(), modified_at timestamptz not null default now(),
  jointly_agreed boolean, rejection_reason varchar(512), approved_at timestamptz, approved_by varchar(100));
create table audits (id uuid primary key, table_name varchar(25), table_record_id uuid, source audit_log_source not null, category varchar(100),
  activity varchar(255), functional_area varchar(100), created_by uuid, created_at timestamptz not null default now(), audit_details jsonb);

create index capture_sessions_status on capture_sessions(status);
create index idx_capture_sessions_booking_id on capture_sessions(booking_id);
create index idx_capture_sessions_started_by_user_id on capture_sessions(started_by_user_id);
create index idx_capture_sessions_finished_by_user_id on capture_sessions(finished_by_user_id);
create index idx_recordings_capture_session_id on recordings(capture_session_id);
create index idx_recordings_parent_recording_id on recordings(parent_recording_id);
create index idx_recordings_is_reencode on recordings(is_reencode) where is_reencode;
create index bookings_scheduled_for on bookings(scheduled_for);
create index idx_bookings_case_id on bookings(case_id);
create index cases_reference on cases(reference);
create index audit_table_record_id_table_name on audits(table_record_id, table_name);
create index idx_edit_requests_source_recording_id on edit_requests(source_recording_id);
create index idx_share_bookings_booking_id on share_bookings(booking_id);
