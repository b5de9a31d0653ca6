/**
 * The schema, as a list of steps that are only ever added to. `PRAGMA user_version` counts
 * those that have run. A test opens a store of each earlier version and brings it up to date.
 *
 * Times are milliseconds since 1970. JSON columns hold what their TypeScript types say.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE apps (
    name TEXT PRIMARY KEY,
    definition TEXT NOT NULL,              -- AppDefinition
    live_release INTEGER,                  -- releases.number, null before the first
    push_token TEXT NOT NULL,              -- may push to this app's repository, and nothing else
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  -- One owner per domain, held by the primary key.
  CREATE TABLE domains (
    domain TEXT PRIMARY KEY,
    app TEXT NOT NULL REFERENCES apps(name) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  -- The refs that were seen, so that each is acted on once and a moved tag is noticed.
  CREATE TABLE refs (
    app TEXT NOT NULL REFERENCES apps(name) ON DELETE CASCADE,
    name TEXT NOT NULL,                    -- refs/tags/v1, refs/heads/main
    oid TEXT NOT NULL,                     -- what the ref points to
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (app, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE releases (
    app TEXT NOT NULL REFERENCES apps(name) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    image TEXT NOT NULL,                   -- sha256:…
    definition TEXT NOT NULL,              -- AppDefinition, as it was
    ref TEXT,                              -- refs/tags/v1; null for an upload
    commit_oid TEXT,
    deployment INTEGER NOT NULL,           -- the deployment that made it
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL REFERENCES apps(name) ON DELETE CASCADE,
    source TEXT NOT NULL,                  -- DeploymentSource
    state TEXT NOT NULL,
    image TEXT,                            -- once built
    release INTEGER,                       -- once made
    error TEXT,                            -- ErrorBody, once failed
    request_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
  ) STRICT;
  CREATE INDEX deployments_of_app ON deployments (app, id);
  CREATE INDEX deployments_unfinished ON deployments (app, id) WHERE finished_at IS NULL;

  -- The journal: a line is written before the step that it names is taken.
  CREATE TABLE deployment_events (
    deployment INTEGER NOT NULL REFERENCES deployments(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    detail TEXT NOT NULL,                  -- JSON
    PRIMARY KEY (deployment, seq)
  ) STRICT, WITHOUT ROWID;

  -- The content-addressed file store: immutable packs, and where in them each file lies.
  CREATE TABLE packs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,             -- file name in packs/
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE files (
    hash BLOB PRIMARY KEY,                 -- SHA-256 of the content
    pack INTEGER NOT NULL REFERENCES packs(id),
    offset INTEGER NOT NULL,
    size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX files_of_pack ON files (pack);

  -- Compressed forms: derived data. A form that saved too little has no pack.
  CREATE TABLE encodings (
    hash BLOB NOT NULL,
    encoder TEXT NOT NULL,                 -- br@1, gzip@1, zstd@1: the form and the version of what made it
    pack INTEGER REFERENCES packs(id),
    offset INTEGER,
    size INTEGER,
    PRIMARY KEY (hash, encoder)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX encodings_of_pack ON encodings (pack);

  CREATE TABLE images (
    digest TEXT PRIMARY KEY,               -- sha256:… of the manifest
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Which content a git blob of an app's repository has, so that nothing is read twice.
  CREATE TABLE git_files (
    app TEXT NOT NULL REFERENCES apps(name) ON DELETE CASCADE,
    oid BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (app, oid)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Layer digests that were computed: a layer whose listing did not change is not hashed again.
  CREATE TABLE layers (
    listing BLOB PRIMARY KEY,              -- SHA-256 of the paths, sizes and hashes of its files
    digest TEXT NOT NULL,                  -- sha256:… of its tar archive
    size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Files that the disk lost and nobody stored again: images that name one of them are damaged.
  CREATE TABLE lost_files (
    hash BLOB PRIMARY KEY
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- 1 if the deployment's switch leaves nothing of what was live before reachable.
  ALTER TABLE deployments ADD COLUMN no_grace INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- What definitions say of how a site is served since then: what was done before.
  UPDATE apps SET definition = json_insert(definition, '$.cleanUrls', json('false'), '$.fallback', NULL, '$.cacheControl',
    json('{"changing":"no-cache","hashed":"public, max-age=31536000, immutable"}'));
  UPDATE releases SET definition = json_insert(definition, '$.cleanUrls', json('false'), '$.fallback', NULL, '$.cacheControl',
    json('{"changing":"no-cache","hashed":"public, max-age=31536000, immutable"}'));
  `,
  `
  -- What webhooks brought, written before it was answered.
  CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL,                 -- its name; the webhook may be gone
    sender TEXT NOT NULL,                  -- Sender
    received_at INTEGER NOT NULL,
    verdict TEXT NOT NULL,                 -- accepted, ignored, refused
    reason TEXT,                           -- why it was ignored or refused
    status INTEGER,                        -- what was answered; null for one that was read again by hand
    headers TEXT NOT NULL,                 -- those that a body is understood by, no secrets
    body BLOB,                             -- null if it is too large, not proven to be the sender's, or old
    body_bytes INTEGER NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0,    -- how often the same events came again
    repeated_at INTEGER,
    redelivery_of INTEGER                  -- deliveries.id; that may be gone
  ) STRICT;
  CREATE INDEX deliveries_of_webhook ON deliveries (webhook, id);
  CREATE INDEX deliveries_refused ON deliveries (id) WHERE verdict = 'refused';

  CREATE TABLE delivery_hints (
    delivery INTEGER NOT NULL REFERENCES deliveries(id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    hint TEXT NOT NULL,                    -- Hint
    settled_at INTEGER,                    -- null until it was acted on
    outcome TEXT,
    PRIMARY KEY (delivery, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX delivery_hints_pending ON delivery_hints (delivery, seq) WHERE settled_at IS NULL;

  -- Ids of events that were seen, so that each is acted on once. They outlive their deliveries.
  CREATE TABLE delivery_events (
    webhook TEXT NOT NULL,
    event_id TEXT NOT NULL,
    delivery INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (webhook, event_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX delivery_events_by_age ON delivery_events (seen_at);
  `,
  `
  -- What definitions say of Dockerfiles, registries and of what deploys by itself since then: what was done before.
  UPDATE apps SET definition = json_insert(definition, '$.dockerfile', NULL, '$.image', NULL, '$.policy',
    json('{"semver":null,"approve":false,"windows":[]}'));
  UPDATE releases SET definition = json_insert(definition, '$.dockerfile', NULL, '$.image', NULL, '$.policy',
    json('{"semver":null,"approve":false,"windows":[]}'));
  `,
  `
  -- Images that were made elsewhere are kept as they came: their blobs, and of a site its files as well.
  ALTER TABLE images ADD COLUMN kind TEXT NOT NULL DEFAULT 'data';   -- ImageKind
  ALTER TABLE images ADD COLUMN site TEXT;                           -- of a site, the folder of the image that it is: /www

  -- The blobs of such an image, its manifest among them: what lies in oci/blobs.
  CREATE TABLE image_blobs (
    image TEXT NOT NULL REFERENCES images(digest) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (image, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX image_blobs_by_digest ON image_blobs (digest);

  -- Layers that came uncompressed and were compressed: not again, as long as the blob is there.
  CREATE TABLE compressed_layers (
    diff_id TEXT NOT NULL,                 -- sha256:… of the archive
    encoder TEXT NOT NULL,                 -- gzip@1
    digest TEXT NOT NULL,                  -- of the compressed archive
    size INTEGER NOT NULL,
    PRIMARY KEY (diff_id, encoder)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Webhooks that were set up. Their secrets are kept as they are: signatures are made of them.
  CREATE TABLE webhooks (
    name TEXT PRIMARY KEY,
    sender TEXT NOT NULL,                  -- Sender
    secret TEXT NOT NULL,
    old_secret TEXT,                       -- the one before, which holds until old_until
    old_until INTEGER,
    callback INTEGER NOT NULL,             -- 1 if the sender's callback_url is called
    created_at INTEGER NOT NULL,
    rotated_at INTEGER                     -- null if the secret is the first
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What of an app's deployments waits, and for what.
  ALTER TABLE apps ADD COLUMN paused_at INTEGER;       -- null if it is not paused
  ALTER TABLE apps ADD COLUMN pause_reason TEXT;
  ALTER TABLE deployments ADD COLUMN by_itself INTEGER NOT NULL DEFAULT 0; -- 1 if nobody asked for it
  ALTER TABLE deployments ADD COLUMN approved_at INTEGER;
  ALTER TABLE deployments ADD COLUMN hold TEXT;        -- Hold, as it was last told; null if it waits for its turn only
  `,
  `
  -- The tags of images that were seen in registries, so that each is acted on once and a moved tag is noticed.
  CREATE TABLE image_tags (
    app TEXT NOT NULL REFERENCES apps(name) ON DELETE CASCADE,
    repository TEXT NOT NULL,              -- registry.example.com/team/blog
    tag TEXT NOT NULL,
    digest TEXT,                           -- what it stood for; null if nobody asked
    created_at INTEGER,                    -- when that image was made, by its own word
    seen_at INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,             -- when the registry was last asked for it; 0 is never
    gone INTEGER NOT NULL,                 -- 1 if the registry's list had it no more
    PRIMARY KEY (app, repository, tag)
  ) STRICT, WITHOUT ROWID;

  -- Of a release whose image came from a registry: registry.example.com/team/blog:v1@sha256:…
  ALTER TABLE releases ADD COLUMN reference TEXT;
  `,
  `
  -- What definitions say of clusters since then: nothing.
  UPDATE apps SET definition = json_insert(definition, '$.run', json('{"driver":"docker","command":null,"args":[],"port":null,"count":1,"cpu":100,"memory":128,"memoryMax":null,"metrics":null,' ||
    '"env":{},"constraints":[],"spread":[],"promote":"auto","minHealthyMs":5000,"healthyDeadlineMs":300000,"shutdownDelayMs":2000}'),
    '$.nomad', json('{"job":{},"group":{},"task":{},"service":{}}'), '$.job', NULL);
  UPDATE releases SET definition = json_insert(definition, '$.run', json('{"driver":"docker","command":null,"args":[],"port":null,"count":1,"cpu":100,"memory":128,"memoryMax":null,"metrics":null,' ||
    '"env":{},"constraints":[],"spread":[],"promote":"auto","minHealthyMs":5000,"healthyDeadlineMs":300000,"shutdownDelayMs":2000}'),
    '$.nomad', json('{"job":{},"group":{},"task":{},"service":{}}'), '$.job', NULL);
  `,
  `
  -- The jobs on Nomad that are an app's, each as Steppe registered it last: another index is somebody else's change.
  CREATE TABLE nomad_jobs (
    app TEXT PRIMARY KEY,
    job TEXT NOT NULL,                     -- its id
    job_modify_index TEXT NOT NULL         -- in digits: it may be longer than a number is exact
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Apps whose job takes its image's tag from a key in Consul: what Steppe wrote there last.
  CREATE TABLE keyed_apps (
    app TEXT PRIMARY KEY,
    live TEXT,                             -- JSON, KeyedWrite: what is live; null if nothing is
    attempt TEXT                           -- JSON, KeyedAttempt: what a deployment wrote that has not come to its end; null if none
  ) STRICT, WITHOUT ROWID;

  -- What definitions say of them since then: nothing.
  UPDATE apps SET definition = json_insert(definition, '$.compatible', NULL);
  UPDATE releases SET definition = json_insert(definition, '$.compatible', NULL);
  `,
  `
  -- 1 if the app's job was taken over since its tag was written: the row in nomad_jobs is for the app's next deployment, and not of one before.
  ALTER TABLE keyed_apps ADD COLUMN taken_over INTEGER NOT NULL DEFAULT 0;
  `,
];
