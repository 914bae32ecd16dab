/** Health and reflection, so that standard tools (grpcurl, load balancers) can talk to the operator API. */
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';

import { packageDefinition } from '../../shared/rpc/package-definition.ts';

const OPERATOR_SERVICE = 'keyturn.v1.Operator';

export interface Probes {
  /** From now on health says that nothing is served here. */
  stopServing(): void;
}

export function addProbes(server: Server): Probes {
  const health = new HealthImplementation({ '': 'SERVING', [OPERATOR_SERVICE]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(packageDefinition, { services: [OPERATOR_SERVICE] }).addToServer(server);
  return {
    stopServing: () => {
      for (const name of ['', OPERATOR_SERVICE]) health.setStatus(name, 'NOT_SERVING');
    },
  };
}
