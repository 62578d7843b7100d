import { InvalidArgumentError } from "commander";

/** Collects the values of a repeatable flag. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/**
 * Parses a whole number of at least 1.
 *
 * @throws InvalidArgumentError for anything else.
 */
export function wholeNumber(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("Expected a whole number of at least 1.");
}

/** The most files that are copied concurrently. */
const MAX_CONCURRENCY = 10_000;

/**
 * Parses a number of files to copy concurrently, 1 to 10,000.
 *
 * @throws InvalidArgumentError for anything else.
 */
export function concurrentFiles(value: string): number {
  const files = wholeNumber(value);
  if (files <= MAX_CONCURRENCY) return files;
  throw new InvalidArgumentError("Expected at most 10,000 files.");
}

/**
 * Parses a TCP port, 1 to 65,535.
 *
 * @throws InvalidArgumentError for anything else.
 */
export function portNumber(value: string): number {
  const port = wholeNumber(value);
  if (port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a port, 1 to 65535.");
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
};

/**
 * Parses bytes per second: `500k`, `10MB`, `1.5MiB/s`.
 *
 * @throws InvalidArgumentError for anything else.
 */
export function bytesPerSecond(value: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmg]i?)?b?(?:\/s)?$/i.exec(value);
  const bytes = Number(match?.[1]) * (UNIT_BYTES[(match?.[2] ?? "").toLowerCase()] ?? Number.NaN);
  if (bytes >= 1) return bytes;
  throw new InvalidArgumentError("Expected bytes per second: 500k, 10MB, 1.5MiB.");
}

/**
 * Parses a number of seconds above 0.
 *
 * @throws InvalidArgumentError for anything else.
 */
export function seconds(value: string): number {
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("Expected a number of seconds, e.g. 30.");
}
