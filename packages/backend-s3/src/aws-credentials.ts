/** Access to a bucket. Never printed: it lives in closures, not on objects that a log could reach. */
export interface S3Credentials {
  /** The access key id. */
  readonly accessKeyId: string;
  /** The secret access key. */
  readonly secretAccessKey: string;
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/** Gives the credentials of the moment, at once where they are known. */
export type CredentialSource = () => S3Credentials | Promise<S3Credentials>;

/** Where credentials come from. */
export interface CredentialOptions {
  readonly credentials?: S3Credentials | undefined;
  readonly profileName?: string | undefined;
  readonly region: string;
}

/** This long before they expire the chain is asked again, which fetches new ones while the old ones last. In milliseconds. */
const REFRESH_BEFORE_MS = 5 * 60_000;

/** Says that no credentials could be had, and why. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
}

/** The given credentials, or else those of the AWS chain, whose code is loaded at the first request. */
export function credentialSource({ credentials, profileName, region }: CredentialOptions): CredentialSource {
  if (credentials !== undefined) {
    const given = { ...credentials };
    return () => given;
  }
  let known: (S3Credentials & { readonly expiration?: Date }) | undefined;
  let loading: Promise<S3Credentials> | undefined;
  let chain: (() => Promise<S3Credentials & { readonly expiration?: Date }>) | undefined;

  const load = async (): Promise<S3Credentials> => {
    try {
      if (chain === undefined) {
        const { fromNodeProviderChain } = await import("@aws-sdk/credential-providers");
        const profile = profileName === undefined ? {} : { profile: profileName };
        chain = fromNodeProviderChain({ ...profile, clientConfig: { region } });
      }
      known = await chain();
      return known;
    } catch (error) {
      if (known !== undefined && lastsMs(known) > 0) return known;
      throw new CredentialsError(error instanceof Error ? error.message : String(error));
    } finally {
      loading = undefined;
    }
  };
  return () => {
    if (known !== undefined && lastsMs(known) > REFRESH_BEFORE_MS) return known;
    loading ??= load();
    return loading;
  };
}

function lastsMs({ expiration }: { readonly expiration?: Date }): number {
  return expiration === undefined ? Number.POSITIVE_INFINITY : expiration.getTime() - Date.now();
}
