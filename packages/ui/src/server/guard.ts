import { timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";

/** The longest body of a request: a SQL text. */
const MAX_BODY_BYTES = 1_000_000;

/** Who may ask. */
export interface GuardOptions {
  /** The host and port that the server listens on, such as `127.0.0.1:4100`. */
  readonly host: () => string;
  /** The secret that the URL carries once. */
  readonly token: string;
  /** A nonce for the style elements that the page's libraries add. */
  readonly nonce: string;
}

/**
 * Answers only the page itself: the `Host` must be the server's own, which stops DNS rebinding; a request with an `Origin` must
 * come from it; the token of the URL becomes a cookie that no script reads and no other site sends. A body must be JSON.
 */
export function guard({ host, token, nonce }: GuardOptions): MiddlewareHandler {
  return async (context, next) => {
    const own = host();
    // Cookies of one host are shared by its ports: each server has its own name, and a new start replaces the old one.
    const cookieName = `parquetry-${own.slice(own.indexOf(":") + 1)}`;
    context.header("Content-Security-Policy", contentPolicy(nonce));
    context.header("X-Content-Type-Options", "nosniff");
    context.header("Referrer-Policy", "no-referrer");
    context.header("Cross-Origin-Resource-Policy", "same-origin");
    context.header("Cross-Origin-Opener-Policy", "same-origin");
    context.header("Cache-Control", "no-store");
    const asked = context.req.header("host");
    if (asked !== own && asked !== own.replace("127.0.0.1", "localhost"))
      return refuse(context, 421, "This server answers only its own page.");
    const origin = context.req.header("origin");
    if (origin !== undefined && origin !== `http://${asked}`)
      return refuse(context, 403, "Requests from other origins are refused.");
    const site = context.req.header("sec-fetch-site");
    const isApi = context.req.path.startsWith("/api/");
    if (isApi && site !== undefined && site !== "same-origin")
      return refuse(context, 403, "Requests from other sites are refused.");
    // Answered without a redirect: a browser that another program opened would not send the cookie along.
    const isOpening = context.req.path === "/" && equals(context.req.query("token") ?? "", token);
    if (isOpening) setCookie(context, cookieName, token, { httpOnly: true, sameSite: "Strict", path: "/" });
    else if (!equals(getCookie(context, cookieName) ?? "", token))
      return refuse(context, 401, "Open the address that parquetry ui printed: it contains the token.");
    if (context.req.method === "POST") {
      const type = context.req.header("content-type") ?? "";
      if (!/^application\/json\s*(?:;|$)/i.test(type))
        return refuse(context, 415, "The body must be application/json.");
      const length = Number(context.req.header("content-length"));
      if (!Number.isSafeInteger(length) || length > MAX_BODY_BYTES)
        return refuse(
          context,
          413,
          `The body must have a Content-Length of at most ${MAX_BODY_BYTES} bytes.`,
        );
    }
    return next();
  };
}

function contentPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function equals(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refuse(context: Context, status: 401 | 403 | 413 | 415 | 421, error: string): Response {
  return context.json({ error }, status);
}
