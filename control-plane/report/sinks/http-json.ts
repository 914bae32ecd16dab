/** One JSON request over HTTP(S), bounded in time and size. Redirects are not followed: a token stays with its host. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { TransientError } from '../../../shared/errors.ts';

export interface JsonRequest {
  readonly method: 'POST' | 'PATCH';
  readonly url: URL;
  readonly token: string;
  readonly body: string;
  /** From the first byte sent to the last received. */
  readonly timeoutMs: number;
  /** PEM of the authorities that the server's certificate may come from; the system's unless said. */
  readonly ca: string | undefined;
}

export interface JsonResponse {
  readonly status: number;
  /** Undefined when the body is no JSON. */
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

const ANSWER_BYTES = 4 * 1024 * 1024;

/** Errors: `TransientError` when no complete answer came. Any status is an answer. */
export function sendJson(request: JsonRequest): Promise<JsonResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<JsonResponse>();
  const send = request.url.protocol === 'https:' ? httpsRequest : httpRequest;
  const fail = (cause: Error) =>
    reject(new TransientError(`failed to ${request.method} ${request.url.pathname}: ${cause.message}`, { cause }));
  const outgoing = send(
    request.url,
    {
      method: request.method,
      agent: false,
      signal: AbortSignal.timeout(request.timeoutMs),
      ...(request.ca === undefined ? {} : { ca: request.ca }),
      headers: {
        authorization: `Bearer ${request.token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(request.body),
        accept: 'application/json',
      },
    },
    (incoming) => readAnswer(incoming).then(resolve, fail),
  );
  outgoing.on('error', fail);
  outgoing.end(request.body);
  return promise;
}

async function readAnswer(incoming: IncomingMessage): Promise<JsonResponse> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of incoming) {
    total += (chunk as Buffer).length;
    if (total > ANSWER_BYTES) throw new Error(`the answer has more than ${ANSWER_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: incoming.statusCode ?? 0, body: parsed(text), retryAfterMs: retryAfter(incoming) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON is an expected answer of proxies and broken servers; the caller decides by what is not there.
    return undefined;
  }
}

function retryAfter({ headers }: IncomingMessage): number | undefined {
  const seconds = headers['retry-after'];
  return seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
