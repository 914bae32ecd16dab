import type { Server } from '@grpc/grpc-js';

import { enrolmentService } from '../../shared/rpc/definitions.ts';
import type { EnrolmentService } from '../../shared/rpc/generated/services.ts';
import { addService } from '../../shared/rpc/serve.ts';
import { enrolHost } from '../authority/enrol-host.ts';
import type { GatewayContext } from './gateway-context.ts';

/** For hosts without a certificate: the token in the request is all that lets them in. */
export function addEnrolment(server: Server, context: GatewayContext): void {
  addService<EnrolmentService, 'anybody'>(server, {
    service: enrolmentService,
    audience: 'host',
    authorize: async () => 'anybody',
    handlers: {
      enrol: async (request) => {
        const { store, authority, clock } = context;
        const { certificate } = await enrolHost({ store, authority, now: clock.now() }, request);
        return { certificate };
      },
    },
    onError: context.onError,
  });
}
