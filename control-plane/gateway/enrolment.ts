import type { Server } from '@grpc/grpc-js';

import { RejectedError } from '../../shared/errors.ts';
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
        const { store, authority, clock, sessions } = context;
        const { issued, isNewLife } = await enrolHost({ store, authority, now: clock.now() }, request);
        if (isNewLife) sessions.putOut(request.host, ofFormerLife(request.host));
        return { certificate: issued.certificate };
      },
    },
    onError: context.onError,
  });
}

/** The code with which its certificate is refused from now on. */
function ofFormerLife(host: string): RejectedError {
  return new RejectedError('certificate-revoked', `host "${host}" has joined anew with another ledger key`);
}
