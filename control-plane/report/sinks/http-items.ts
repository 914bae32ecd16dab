/**
 * A collection behind an items API (Directus and alike): `PATCH /items/<collection>/<id>`, or `POST /items/<collection>`
 * for an item that is not there yet.
 *
 * 1. An item's id follows from run and file name, so sending a set again changes nothing.
 * 2. An item counts as taken only when the answer names its id and its digest.
 * 3. Tries, waits and sizes are bounded. What the server refuses for good is not tried again.
 * 4. The token goes over TLS, or over loopback, and to no other host.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import type { ReportFile } from '../render/report-file.ts';
import { type JsonResponse, sendJson } from './http-json.ts';
import type { ReportSet, ReportSink } from './sink.ts';

export interface HttpItemsOptions {
  /** The API's root, such as `https://kb.example.org`. */
  readonly url: string;
  readonly collection: string;
  /** A file with the bearer token, read anew for each set. */
  readonly tokenFile: string;
  readonly ca?: string | undefined;
  /** For one request. */
  readonly timeoutMs?: number;
  /** Tries for one request, the first included. */
  readonly tryCount?: number;
  /** The pause between tries; tests pass one that does not wait. */
  readonly wait?: (ms: number) => Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const DEFAULT_TRY_COUNT = 5;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

type Sink = Required<Omit<HttpItemsOptions, 'ca' | 'url'>> & { readonly root: URL; readonly ca: string | undefined };

/** Errors: `RejectedError` with `sink-url-invalid` or `sink-not-encrypted`. Of `take`: see `takeItem`. */
export function httpItemsSink(options: HttpItemsOptions): ReportSink {
  const root = parseRoot(options.url);
  const sink: Sink = {
    root,
    collection: checkCollection(options.collection),
    tokenFile: options.tokenFile,
    ca: options.ca,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    tryCount: options.tryCount ?? DEFAULT_TRY_COUNT,
    wait: options.wait ?? ((ms) => delay(ms)),
  };
  return {
    kind: 'http-items',
    location: itemsUrl(sink).href,
    take: async (set) => {
      const token = readToken(sink.tokenFile);
      for (const file of set.files) await takeItem(sink, { set, file, token });
    },
  };
}

interface Item {
  readonly set: ReportSet;
  readonly file: ReportFile;
  readonly token: string;
}

/**
 * Errors: `RejectedError('sink-refused')` for what the server will not take, `TransientError` when tries ran out.
 * Directus answers 403 for an item that is not there, lest it tell which ones are; hence both lead to a POST.
 */
async function takeItem(sink: Sink, item: Item): Promise<void> {
  const changed = await request(sink, item, 'PATCH');
  if (isTaken(changed, item)) return;
  if (![403, 404].includes(changed.status)) throw refused(changed, item);
  const added = await request(sink, item, 'POST');
  if (isTaken(added, item)) return;
  // Somebody else may have added it in between, or an answer to our own first try was lost.
  if (![400, 409].includes(added.status)) throw refused(added, item);
  const again = await request(sink, item, 'PATCH');
  if (!isTaken(again, item)) throw refused(added, item);
}

/** Repeats until an answer comes that is worth reading. */
async function request(sink: Sink, item: Item, method: 'PATCH' | 'POST'): Promise<JsonResponse> {
  for (let tried = 1; ; tried += 1) {
    const outcome = await attempt(sink, item, method);
    if (!(outcome instanceof TransientError)) return outcome;
    if (tried >= sink.tryCount) throw outcome;
    await sink.wait(pauseMs(tried, outcome));
  }
}

class RetryLaterError extends TransientError {
  readonly pauseMs: number | undefined;
  constructor(message: string, pauseMs: number | undefined) {
    super(message);
    this.pauseMs = pauseMs;
  }
}

async function attempt(sink: Sink, item: Item, method: 'PATCH' | 'POST'): Promise<JsonResponse | TransientError> {
  const id = itemId(item);
  const url = method === 'POST' ? itemsUrl(sink) : new URL(`${itemsUrl(sink).href}/${id}`);
  try {
    const { timeoutMs, ca } = sink;
    const response = await sendJson({ method, url, token: item.token, body: itemBody(item, id), timeoutMs, ca });
    const isBusy = response.status === 429 || response.status >= 500;
    const isGarbled = response.status === 200 && !isTaken(response, item);
    if (!isBusy && !isGarbled) return response;
    const what = isBusy ? `status ${response.status}` : 'an answer that does not name the item';
    return new RetryLaterError(`failed to ${method} "${item.file.name}": ${what}`, response.retryAfterMs);
  } catch (error) {
    if (error instanceof TransientError) return error;
    throw error;
  }
}

/** Doubling, with up to a half on top, so that many control planes do not come back as one. */
function pauseMs(tried: number, cause: TransientError): number {
  const asked = cause instanceof RetryLaterError ? cause.pauseMs : undefined;
  const doubled = FIRST_PAUSE_MS * 2 ** (tried - 1);
  return Math.min(asked ?? doubled * (1 + Math.random() / 2), LONGEST_PAUSE_MS);
}

function isTaken({ status, body }: JsonResponse, item: Item): boolean {
  if (status !== 200 && status !== 201) return false;
  const data = isRecord(body) && isRecord(body.data) ? body.data : {};
  return data.id === itemId(item) && data.sha256 === item.file.sha256;
}

function refused({ status }: JsonResponse, { file }: Item): RejectedError {
  return new RejectedError('sink-refused', `failed to publish "${file.name}": status ${status}, expected 200`);
}

/** Stable, and safe as a path segment whatever a run is called. */
function itemId({ set, file }: Item): string {
  return sha256(JSON.stringify([set.app, set.version, set.run, file.name])).slice(0, 32);
}

function itemBody({ set, file }: Item, id: string): string {
  const { app, version, run, host } = set;
  const { name, mediaType, sha256: digest, content } = file;
  return JSON.stringify({
    id,
    app,
    version,
    run,
    host,
    name,
    media_type: mediaType,
    sha256: digest,
    content: content.toString('utf8'),
  });
}

function itemsUrl({ root, collection }: Pick<Sink, 'root' | 'collection'>): URL {
  return new URL(`${root.pathname.replace(/\/$/, '')}/items/${collection}`, root);
}

function parseRoot(text: string): URL {
  const url = URL.parse(text);
  if (
    !url ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== ''
  ) {
    throw new RejectedError(
      'sink-url-invalid',
      'failed to set up the sink: expected an http(s) address without credentials',
    );
  }
  if (url.protocol === 'http:' && !LOOPBACK.includes(url.hostname)) {
    throw new RejectedError(
      'sink-not-encrypted',
      `failed to set up the sink: "${url.host}" would get the token unencrypted`,
    );
  }
  return url;
}

function checkCollection(name: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  throw new RejectedError('sink-url-invalid', `failed to set up the sink: "${name}" is no collection name`);
}

function readToken(path: string): string {
  const token = readFileSync(path, 'utf8').trim();
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw new RejectedError('sink-token-invalid', `failed to read the token in "${path}": expected one printable word`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
