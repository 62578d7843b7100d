export type { AwsClient } from "./aws-client.ts";
export type { S3Credentials } from "./aws-credentials.ts";
export {
  createR2Backend,
  createS3Backend,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_STALL_TIMEOUT_MS,
  type R2BackendOptions,
  type S3BackendOptions,
} from "./s3-backend.ts";
