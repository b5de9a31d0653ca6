export {
  ContentTables,
  type EncodingPlace,
  type ImageRow,
  type LayerRow,
  type PackRow,
  type PackUse,
  type Place,
} from "./content.ts";
export { type BlobRow, ImageBlobTable } from "./image-blobs.ts";
export type { BackupFile } from "./backup-files.ts";
export { backupBeforeMigration } from "./backup.ts";
export { BackupSchedule, type BackupScheduleOptions } from "./backup-schedule.ts";
export { type DataFolder, type DataPaths, dataPaths, openDataFolder } from "./data-folder.ts";
export { createFullBackup, type FullBackupOptions } from "./full-backup.ts";
export { restoreBackup, type RestoreOptions, type RestoreResult } from "./restore-backup.ts";
export type { HoldGarbageCollection } from "./snapshot-data-folder.ts";
export { type BeforeMigration, type Row, Store, type StoreOptions } from "./store.ts";
export { type AppRow, AppTable } from "./apps.ts";
export { type DeploymentRow, DeploymentTable, type DeploymentUpdate, type EventRow } from "./deployments.ts";
export { type ReleaseRow, ReleaseTable } from "./releases.ts";
export { SettingTable } from "./settings.ts";
export { GitFileTable } from "./git-files.ts";
export { type ImageTagRow, ImageTagTable } from "./image-tags.ts";
export { type NomadJobRow, NomadJobTable } from "./nomad-jobs.ts";
export { type KeyedAppRow, KeyedAppTable, type KeyedAttempt, type KeyedStarts, type KeyedWrite } from "./keyed-apps.ts";
export { RefTable, type SeenRef } from "./refs.ts";
export {
  type DeliveryBounds,
  type DeliveryRow,
  DeliveryTable,
  type HintRow,
  type NewDeliveryRow,
  type PendingHintRow,
  type RecordedDelivery,
} from "./deliveries.ts";
export { type WebhookRow, WebhookTable } from "./webhooks.ts";
