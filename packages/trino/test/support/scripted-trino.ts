import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An answer of the script: the JSON of a page, or whatever a function does with the response. */
export type Answer = object | ((response: ServerResponse, request: IncomingMessage) => void);

/** A request that the server received. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A server that answers as Trino does, request by request from a script. */
export interface ScriptedTrino extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
}

/**
 * Starts a server. Each POST and GET takes the next answer; the last one is repeated. In the text of an answer, `{url}` is its
 * address. A DELETE is answered with 204.
 */
export async function scriptedTrino(answers: readonly Answer[]): Promise<ScriptedTrino> {
  const received: Received[] = [];
  let next = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      if (method === "DELETE") {
        response.writeHead(204).end();
        return;
      }
      const answer = answers[Math.min(next++, answers.length - 1)] ?? {};
      if (typeof answer === "function") answer(response, request);
      else json(JSON.stringify(answer).replaceAll("{url}", url))(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON as it is. */
export function json(text: string): (response: ServerResponse) => void {
  return (response) => response.writeHead(200, { "content-type": "application/json" }).end(text);
}

/** Answers with a status. */
export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end("<html>not JSON</html>");
}

/** The first page of a query. */
export const QUEUED = { id: "q1", nextUri: "{url}/v1/statement/q1/1", stats: { state: "QUEUED" } };

/** A page with rows of one BIGINT column. */
export function page(rows: readonly unknown[], nextUri?: string): object {
  return {
    id: "q1",
    columns: [{ name: "n", type: "bigint", typeSignature: { rawType: "bigint", arguments: [] } }],
    data: rows.map((row) => [row]),
    stats: { state: "RUNNING" },
    ...(nextUri === undefined ? {} : { nextUri: `{url}${nextUri}` }),
  };
}
