/** Access to a bucket. Never printed: it is kept in closures, not on objects that a log could reach. */
export interface S3Credentials {
  /** The access key id. */
  readonly accessKeyId: string;
  /** The secret access key. */
  readonly secretAccessKey: string;
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/** Credentials, and when they expire. */
export interface AwsIdentity extends S3Credentials {
  readonly expiration?: Date | undefined;
}

/** Returns the current credentials: at once if they are known and valid for long enough. */
export type CredentialSource = () => S3Credentials | Promise<S3Credentials>;

/** The time before the expiration at which new credentials are fetched, in milliseconds. */
const REFRESH_BEFORE_MS = 5 * 60_000;

/** Thrown without credentials, with the reason. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
}

/** Keeps the credentials of a provider until shortly before they expire. Concurrent requests share one fetch. */
export function credentialSource(fetch: () => Promise<AwsIdentity>): CredentialSource {
  let known: AwsIdentity | undefined;
  let loading: Promise<S3Credentials> | undefined;

  const load = async (): Promise<S3Credentials> => {
    try {
      known = await fetch();
      return known;
    } catch (error) {
      if (known !== undefined && remainingMs(known) > 0) return known;
      throw new CredentialsError(error instanceof Error ? error.message : String(error));
    } finally {
      loading = undefined;
    }
  };
  return () => {
    if (known !== undefined && remainingMs(known) > REFRESH_BEFORE_MS) return known;
    loading ??= load();
    return loading;
  };
}

function remainingMs({ expiration }: AwsIdentity): number {
  return expiration === undefined ? Number.POSITIVE_INFINITY : expiration.getTime() - Date.now();
}
