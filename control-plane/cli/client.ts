/** The command line's way to the operator API. */
import { dialCredentials } from '../../shared/rpc/credentials.ts';
import { operatorService } from '../../shared/rpc/definitions.ts';
import type { OperatorService } from '../../shared/rpc/generated/services.ts';
import { repositorySource } from '../../shared/rpc/repository-source.ts';
import { type RpcClient, rpcClient } from '../../shared/rpc/rpc-client.ts';
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
}

/** Dials at the first call. `close()` ends it. */
export function connectOperator({
  address,
  caCertificate,
  certificate,
  privateKey,
}: OperatorConnection): OperatorClient {
  return rpcClient<OperatorService>({
    address,
    service: operatorService,
    credentials: dialCredentials(caCertificate, { certificate, privateKey }),
  });
}

/** The published metadata and targets; their signatures decide, not the control plane. */
export function operatorTrustSource(client: OperatorClient): TrustSource {
  return repositorySource((name) => client.fetchMetadata({ name }));
}
