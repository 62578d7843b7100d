import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import {
  compareKeys,
  type Key,
  type ListOptions,
  type ListPage,
  type ObjectInfo,
  StorageError,
  whyNotAKey,
} from "@parquetry/core";
import type { S3Connection } from "./s3-connection.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";

/** Lists a bucket page by page, one request a page. */
export async function* s3List(connection: S3Connection, options: ListOptions): AsyncGenerator<ListPage> {
  const { prefix = "", delimiter, startAfter, signal } = options;
  const { bucket, profile } = connection;
  const folder = prefix === "" ? "" : `${prefix}/`;
  let token: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await connection.send("list", prefix, signal, (client, abort) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: folder,
          ...(connection.listPageSize === 1000 ? {} : { MaxKeys: connection.listPageSize }),
          ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
          ...(token === undefined
            ? startAfter === undefined
              ? {}
              : { StartAfter: startAfter }
            : { ContinuationToken: token }),
        }),
        abort,
      ),
    );
    yield toListPage(page, options, profile.name);
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
    if (page.IsTruncated && token === undefined) {
      throw new StorageError({
        code: "unavailable",
        op: "list",
        path: prefix,
        backend: profile.name,
        message: `list ${prefix}: the store says that there is more, but not where to go on. The listing is not whole.`,
      });
    }
  } while (token !== undefined);
}

function toListPage(page: ListObjectsV2CommandOutput, options: ListOptions, backend: string): ListPage {
  const { startAfter, onSkipped } = options;
  const isAfter = (name: string): boolean => startAfter === undefined || compareKeys(name, startAfter) > 0;
  const objects: ObjectInfo[] = [];
  for (const { Key: name = "", Size, ETag, LastModified } of page.Contents ?? []) {
    if (!isAfter(name)) continue;
    const reason = whyNotAKey(name);
    if (reason !== undefined) {
      onSkipped?.({
        path: name,
        reason: "not_a_key",
        detail: name.endsWith("/") ? "a folder marker" : reason,
      });
      continue;
    }
    // Checked by whyNotAKey.
    const key = name as Key;
    const etag = plainEtag(ETag, "list", key, backend);
    const md5 = md5OfEtag(etag);
    objects.push({
      key,
      sizeBytes: Size ?? 0,
      etag,
      lastModified: LastModified ?? new Date(0),
      ...(md5 === undefined ? {} : { md5 }),
    });
  }
  const prefixes: Key[] = [];
  for (const { Prefix: name = "" } of page.CommonPrefixes ?? []) {
    if (!isAfter(name)) continue;
    const child = name.slice(0, -1);
    const reason = whyNotAKey(child);
    // Checked by whyNotAKey.
    if (reason === undefined) prefixes.push(child as Key);
    else onSkipped?.({ path: name, reason: "not_a_key", detail: reason });
  }
  return { objects, prefixes };
}
