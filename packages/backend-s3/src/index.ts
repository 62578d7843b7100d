export type { S3Credentials } from "./aws-credentials.ts";
export type { ResumableUploadOptions, UploadedPart, UploadState } from "./resumable-upload.ts";
export {
  createR2Backend,
  createS3Backend,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_STALL_TIMEOUT_MS,
  type R2BackendOptions,
  type S3BackendOptions,
} from "./s3-backend.ts";
export type { S3Backend, S3Uploads } from "./s3-uploads.ts";
export type { UnfinishedUpload } from "./unfinished-uploads.ts";
