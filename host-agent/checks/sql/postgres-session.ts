/**
 * One session with a PostgreSQL server.
 *
 * 1. It begins in read-only mode, and nothing of the agent's environment (`PGUSER`, `PGOPTIONS`, `~/.pgpass`) has a say in it.
 * 2. Each statement goes by the extended protocol, which takes one statement and no more.
 * 3. When it has to end, the server is told to cancel what it is doing: a closed connection alone would not stop it.
 * 4. One answer has at most `LIMITS.sqlAnswerBytes`.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import type { PostgresSource } from './data-source.ts';
import { errorOfSession, SqlFailure, sqlFailureOf } from './sql-failure.ts';

export interface Answer {
  /** As the server writes them. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** The type of each column, by its number in the server's catalog. */
  readonly types: readonly number[];
}

export interface SessionOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The server's own limit on a statement comes first, as it can say which one it was. */
const SERVER_FIRST_MS = 2000;
const GOODBYE_MS = 1000;
/** The SQLSTATE for it. */
const PROGRAM_LIMIT_EXCEEDED = '54000';

export class PostgresSession implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #source: PostgresSource;
  readonly #options: SessionOptions;
  readonly #deadline: AbortSignal;
  readonly #stopped: AbortSignal;
  readonly #onStop = () => this.#stop();
  readonly #endsAtMs: number;
  #answerBytes = 0;

  private constructor(source: PostgresSource, options: SessionOptions) {
    this.#client = new pg.Client(clientConfig(source, options));
    this.#source = source;
    this.#options = options;
    this.#endsAtMs = performance.now() + options.timeoutMs;
    this.#deadline = AbortSignal.timeout(options.timeoutMs + SERVER_FIRST_MS);
    this.#stopped = AbortSignal.any([options.signal, this.#deadline]);
  }

  /** Errors: `RejectedError('data-source-refused')`, `TransientError`, the signal's reason. */
  static async open(source: PostgresSource, options: SessionOptions): Promise<PostgresSession> {
    const session = new PostgresSession(source, options);
    await session.#connect();
    return session;
  }

  /** Milliseconds that are left, at least one. */
  get leftMs(): number {
    return Math.max(1, Math.ceil(this.#endsAtMs - performance.now()));
  }

  /** Errors: `SqlFailure`, `TransientError` at the deadline, the signal's reason. */
  async ask(text: string, values: readonly unknown[] = []): Promise<Answer> {
    this.#answerBytes = 0;
    try {
      const asked = { text, values: [...values], rowMode: 'array' as const, types: AS_WRITTEN, queryMode: 'extended' };
      const { rows, fields } = await this.#client.query<(string | null)[]>(asked);
      return { rows, types: fields.map(({ dataTypeID }) => dataTypeID) };
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.removeEventListener('abort', this.#onStop);
    const timer = setTimeout(() => streamOf(this.#client).destroy(), GOODBYE_MS);
    // A connection that is already gone needs no goodbye.
    await this.#client.end().catch(() => undefined);
    clearTimeout(timer);
  }

  async #connect(): Promise<void> {
    // Each statement tells what became of it; between statements nobody is there to be told.
    this.#client.on('error', () => undefined);
    this.#stopped.addEventListener('abort', this.#onStop, { once: true });
    try {
      this.#options.signal.throwIfAborted();
      await this.#client.connect();
    } catch (error) {
      this.#stopped.removeEventListener('abort', this.#onStop);
      streamOf(this.#client).destroy();
      const failure = this.#failure(error);
      throw failure instanceof SqlFailure ? errorOfSession(failure) : failure;
    }
    streamOf(this.#client).on('data', (chunk: Buffer) => this.#count(chunk.length));
  }

  #count(bytes: number): void {
    this.#answerBytes += bytes;
    if (this.#answerBytes > LIMITS.sqlAnswerBytes) this.#stop();
  }

  /** Cancels by a connection of its own, as the protocol wants it; then nothing is waited for any more. */
  #stop(): void {
    const { processID, secretKey } = this.#client as unknown as { processID: number | null; secretKey: number | null };
    if (processID !== null && secretKey !== null) cancel(this.#source, { processID, secretKey });
    streamOf(this.#client).destroy();
  }

  #failure(error: unknown): unknown {
    if (this.#options.signal.aborted) return this.#options.signal.reason;
    if (this.#deadline.aborted) return new TransientError(`no answer within ${this.#options.timeoutMs} ms`);
    if (this.#answerBytes > LIMITS.sqlAnswerBytes) {
      return new SqlFailure(PROGRAM_LIMIT_EXCEEDED, `the answer has over ${LIMITS.sqlAnswerBytes} bytes`);
    }
    return sqlFailureOf(error, [this.#source.password]);
  }
}

/** Texts as the server writes them, whatever the type. */
const AS_WRITTEN = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

/** How values are written must not depend on the role's settings: digests are compared. */
const SERVER_SETTINGS = [
  'default_transaction_read_only=on',
  'datestyle=ISO',
  'timezone=UTC',
  'intervalstyle=postgres',
  'extra_float_digits=1',
  'bytea_output=hex',
];

function clientConfig(source: PostgresSource, { timeoutMs }: SessionOptions): pg.ClientConfig {
  const settings = [...SERVER_SETTINGS, `statement_timeout=${timeoutMs}`];
  return {
    host: source.host,
    port: source.port,
    user: source.user,
    database: source.database,
    // A function, as the driver would look for an absent or empty one elsewhere.
    password: () => source.password,
    ssl: tlsOptions(source),
    options: settings.map((setting) => `-c ${setting}`).join(' '),
    application_name: 'keyturn',
    client_encoding: 'UTF8',
    connectionTimeoutMillis: timeoutMs,
  };
}

/** As libpq has it: `require` alone trusts any certificate, and is `verify-ca` where certificates to trust are named. */
function tlsOptions({ tls, trustedCertificates }: PostgresSource): false | ConnectionOptions {
  if (tls === 'disable') return false;
  const trusted = trustedCertificates === undefined ? {} : { ca: readCertificates(trustedCertificates) };
  if (tls === 'verify-full') return { ...trusted, rejectUnauthorized: true };
  if (tls === 'require' && trustedCertificates === undefined) return { rejectUnauthorized: false };
  return { ...trusted, rejectUnauthorized: true, checkServerIdentity: () => undefined };
}

function readCertificates(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw errorOfSession(
      new SqlFailure('F0000', `cannot read the certificates to trust: ${sqlFailureOf(error, []).code}`),
    );
  }
}

function streamOf(client: pg.Client): Duplex {
  return (client as unknown as { connection: { stream: Duplex } }).connection.stream;
}

/** Request code of the protocol. */
const CANCEL_REQUEST = 80_877_102;

/** Without an answer, and without TLS, which the server does not ask for here: the key is good for this session alone. */
function cancel(
  { host, port }: PostgresSource,
  { processID, secretKey }: { processID: number; secretKey: number },
): void {
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  // The server has its own limit on a statement for when this does not reach it.
  socket.on('error', () => undefined);
  socket.setTimeout(GOODBYE_MS, () => socket.destroy());
  socket.end(message);
}
