/**
 * Trust metadata and targets from a plain HTTP(S) mirror. The transport proves nothing, the signatures do; what is
 * bounded here is what a hostile or broken server may cost: silence, trickling, endless bodies (the reader counts),
 * redirects to somewhere else.
 */
import { RejectedError, TransientError } from '../errors.ts';
import { MetadataNotFound, type TrustSource } from './source.ts';

export type HttpSourceOptions = {
  /** The folder of the metadata files, with or without a slash at its end. */
  readonly metadataUrl: string;
  /** The folder of the targets; without it no target can be fetched. */
  readonly targetsUrl?: string;
  /** How long the server may be silent. */
  readonly idleTimeoutMs?: number;
  /** How long one file may take in all. */
  readonly totalTimeoutMs?: number;
};

const IDLE_TIMEOUT_MS = 30_000;
const TOTAL_TIMEOUT_MS = 10 * 60_000;
const REDIRECT_MAX_COUNT = 3;
const NOT_THERE = [403, 404];
const REDIRECTED = [301, 302, 303, 307, 308];

export function httpSource(options: HttpSourceOptions): TrustSource {
  return {
    // The name is percent-encoded already: it may hold a slash that is no separator.
    fetchMetadata: (name) => download(new URL(folderUrl(options.metadataUrl) + name), name, options),
    fetchTarget: (path) => {
      if (options.targetsUrl === undefined) throw new TypeError('this source was made without targetsUrl');
      const encoded = path.split('/').map(encodeURIComponent).join('/');
      return download(new URL(folderUrl(options.targetsUrl) + encoded), path, options);
    },
  };
}

async function* download(url: URL, name: string, options: HttpSourceOptions): AsyncGenerator<Uint8Array> {
  const deadline = new Deadline(options.idleTimeoutMs ?? IDLE_TIMEOUT_MS, options.totalTimeoutMs ?? TOTAL_TIMEOUT_MS);
  try {
    const response = await request(url, name, deadline.signal);
    for await (const part of response.body ?? []) {
      deadline.extend();
      yield part;
    }
  } catch (cause) {
    if (cause instanceof RejectedError || cause instanceof TransientError) throw cause;
    throw new TransientError(`failed to fetch "${url.href}"`, { cause });
  } finally {
    deadline.clear();
  }
}

async function request(url: URL, name: string, signal: AbortSignal): Promise<Response> {
  let target = url;
  for (let hops = 0; hops <= REDIRECT_MAX_COUNT; hops++) {
    const response = await fetch(target, { redirect: 'manual', signal, headers: { 'accept-encoding': 'identity' } });
    if (response.ok) return response;
    await response.body?.cancel();
    if (NOT_THERE.includes(response.status)) throw new MetadataNotFound(name);
    if (!REDIRECTED.includes(response.status)) {
      throw new TransientError(`failed to fetch "${target.href}": the server answered ${response.status}`);
    }
    target = redirectTarget(target, response.headers.get('location'));
  }
  throw new RejectedError(
    'redirected-too-often',
    `failed to fetch "${url.href}": more than ${REDIRECT_MAX_COUNT} redirects`,
  );
}

/** A redirect to another origin would let a mirror send every agent to any server of its choice. */
function redirectTarget(from: URL, location: string | null): URL {
  const to = URL.parse(location ?? '', from.href);
  if (to !== null && to.origin === from.origin) return to;
  throw new RejectedError('redirected-elsewhere', `failed to fetch "${from.href}": redirected to "${location}"`);
}

function folderUrl(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

/** Aborts when the server was silent for too long, or the whole took too long. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #idleTimeoutMs: number;
  readonly #total: NodeJS.Timeout;
  #idle: NodeJS.Timeout | undefined;

  constructor(idleTimeoutMs: number, totalTimeoutMs: number) {
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#total = setTimeout(() => this.#abort(`no end within ${totalTimeoutMs} ms`), totalTimeoutMs);
    this.extend();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  extend(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#abort(`silence for ${this.#idleTimeoutMs} ms`), this.#idleTimeoutMs);
  }

  clear(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#total);
  }

  #abort(reason: string): void {
    this.#controller.abort(new TransientError(`failed to fetch: ${reason}`));
  }
}
