/** The command line's way to the operator API. */
import { TransientError } from '../../shared/errors.ts';
import { dialCredentials } from '../../shared/rpc/credentials.ts';
import { operatorService } from '../../shared/rpc/definitions.ts';
import type { OperatorService } from '../../shared/rpc/generated/services.ts';
import { repositorySource } from '../../shared/rpc/repository-source.ts';
import { type CallOptions, type RpcClient, rpcClient } from '../../shared/rpc/rpc-client.ts';
import type { TrustSource } from '../../shared/trust/source.ts';

/** Every failed call throws `RejectedError` with the control plane's code, or `TransientError`. */
export type OperatorClient = RpcClient<OperatorService>;

export interface OperatorConnection {
  /** `host:port`. */
  readonly address: string;
  /** All three in PEM. */
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
  /** How long a call with one answer may take. */
  readonly answerMs?: number;
}

/** How long a connection may take to stand: people wait for it. */
const CONNECT_MS = 4_000;
/**
 * How long a call with one answer may take: far longer than the slowest (a publication), shorter than patience. Calls
 * that stream have no such bound, because they may move gigabytes; keepalive notices when the other end is gone.
 */
const ANSWER_MS = 20_000;

/** Dials at the first call. `close()` ends it. */
export function connectOperator({
  address,
  caCertificate,
  certificate,
  privateKey,
  answerMs = ANSWER_MS,
}: OperatorConnection): OperatorClient {
  const client = rpcClient<OperatorService>({
    address,
    service: operatorService,
    credentials: dialCredentials(caCertificate, { certificate, privateKey }),
  });
  return withDeadlines(client, answerMs);
}

/** Resolves when the connection stands, or has failed and the next call says why. Errors: `TransientError`: no answer. */
export async function reach(client: Pick<OperatorClient, 'connect'>, address: string): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), CONNECT_MS);
  await client.connect(late.signal);
  clearTimeout(timer);
  if (late.signal.aborted)
    throw new TransientError(`failed to reach the control plane at "${address}": no answer within ${CONNECT_MS} ms`);
}

/** The published metadata and targets; their signatures decide, not the control plane. */
export function operatorTrustSource(client: OperatorClient): TrustSource {
  return repositorySource((name) => client.fetchMetadata({ name }, { timeoutMs: ANSWER_MS }));
}

type AnsweringCall = (request: object, options?: CallOptions) => Promise<object>;

function withDeadlines(client: OperatorClient, timeoutMs: number): OperatorClient {
  const answering = Object.entries(operatorService)
    .filter(([, { requestStream, responseStream }]) => !requestStream && !responseStream)
    .map(([name]) => `${name.charAt(0).toLowerCase()}${name.slice(1)}` as keyof OperatorService);
  const bounded = answering.map((method) => {
    const call = client[method] as unknown as AnsweringCall;
    return [method, (request: object, options?: CallOptions) => call(request, { timeoutMs, ...options })];
  });
  return { ...client, ...Object.fromEntries(bounded) };
}
