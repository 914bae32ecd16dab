/** The standard health service of gRPC (grpc.health.v1), asked by hand: one empty message there, one number back. */
import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { dialCredentials } from '../../shared/rpc/credentials.ts';
import { rpcClient } from '../../shared/rpc/rpc-client.ts';
import type { OperatorConnection } from './client.ts';

interface HealthStatus {
  readonly status: number;
}
type HealthService = { check: { kind: 'unary'; request: object; response: HealthStatus } };

/** `SERVING` in the protocol's own enumeration. */
const SERVING = 1;

const checkMethod: MethodDefinition<object, HealthStatus> = {
  path: '/grpc.health.v1.Health/Check',
  requestStream: false,
  responseStream: false,
  requestSerialize: () => Buffer.alloc(0),
  requestDeserialize: () => ({}),
  responseSerialize: () => Buffer.alloc(0),
  responseDeserialize: (bytes) => ({ status: firstNumber(bytes) }),
};

export interface Health {
  readonly isServing: boolean;
  /** One question and its answer over a connection that stands, in milliseconds. */
  readonly roundTripMs: number;
}

/** Errors: as every call of `OperatorClient`. */
export async function askHealth(operator: OperatorConnection, { timeoutMs }: { timeoutMs: number }): Promise<Health> {
  const { address, caCertificate, certificate, privateKey } = operator;
  const client = rpcClient<HealthService>({
    address,
    service: { Check: checkMethod },
    credentials: dialCredentials(caCertificate, { certificate, privateKey }),
  });
  try {
    await client.connect(AbortSignal.timeout(timeoutMs));
    const { status } = await client.check({}, { timeoutMs });
    // The second: the first also makes what is made once for a connection.
    const startedAt = performance.now();
    await client.check({}, { timeoutMs });
    return { isServing: status === SERVING, roundTripMs: performance.now() - startedAt };
  } finally {
    client.close();
  }
}

/** Of field 1; 0 where it is left out. */
function firstNumber(bytes: Buffer): number {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 0x08) return reader.uint32();
    reader.skipType(tag & 7);
  }
  return 0;
}
