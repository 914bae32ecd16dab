import { Metadata, status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';

import { RejectedError, type RejectionCode, TransientError } from '../../../shared/errors.ts';
import { CODE_KEY, errorOfStatus, HINT_KEY, statusOfError } from '../../../shared/rpc/status.ts';
import { describeFailure } from '../../../shared/service/failure.ts';

/** A refusal, and the gRPC status that tools see. */
const REFUSALS: Readonly<Record<RejectionCode, Status>> = {
  'publication-outdated': Status.ABORTED,
  'metadata-not-found': Status.NOT_FOUND,
  'role-not-sufficient': Status.PERMISSION_DENIED,
  'host-revoked': Status.PERMISSION_DENIED,
  'certificate-expired': Status.UNAUTHENTICATED,
  'number-out-of-range': Status.OUT_OF_RANGE,
  'a-code-of-tomorrow': Status.FAILED_PRECONDITION,
  constructor: Status.FAILED_PRECONDITION,
};

describe('shared/rpc/status', () => {
  it('has a row for each kind of refusal', () => {
    expect(Object.keys(REFUSALS)).to.have.length(8);
  });

  for (const [code, expected] of Object.entries(REFUSALS)) {
    it(`carries ${code} over the wire and back`, () => {
      const sent = statusOfError(
        new RejectedError(code as RejectionCode, 'what happened', { hint: 'gợi ý: what to do' }),
        'operator',
      );
      expect(sent.code).to.equal(expected);
      const received = errorOfStatus(Object.assign(new Error(), sent), 'call publish');
      expect(received).to.be.instanceOf(RejectedError);
      expect(received).to.include({
        code,
        hint: 'gợi ý: what to do',
        message: 'failed to call publish: what happened',
      });
    });
  }

  it('says of a connection that failed what failed, without what grpc-js knows of names', () => {
    const details =
      'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: a name was\nlooked up';
    const error = Object.assign(new Error(`14 UNAVAILABLE: ${details}`), {
      code: Status.UNAVAILABLE,
      details,
      metadata: new Metadata(),
    });
    const received = errorOfStatus(error, 'call publish');
    const said = 'failed to call publish: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1';
    expect(received.message).to.equal(said);
    expect(describeFailure('keyturn', received)).to.equal(`keyturn: ${said}\n`);
  });

  it('tells a host the code and no more', () => {
    const sent = statusOfError(new RejectedError('host-revoked', 'host "web-1" was revoked by an.nguyen'), 'host');
    expect(sent.details).to.equal('host-revoked');
    expect(sent.metadata?.get(CODE_KEY)).to.deep.equal(['host-revoked']);
    expect(sent.metadata?.get(HINT_KEY)).to.deep.equal([]);
  });

  it('tells nobody what went wrong inside', () => {
    const sent = statusOfError(new TypeError('cannot read "/etc/keyturn/ca-key.pem"'), 'operator');
    expect(sent.code).to.equal(Status.INTERNAL);
    expect(sent.details).to.not.contain('ca-key');
    expect(errorOfStatus(Object.assign(new Error(), sent), 'call')).to.include({ code: 'internal-error' });
  });

  it('carries what may be tried again as unavailable, and back', () => {
    const sent = statusOfError(new TransientError('the disk is busy'), 'operator');
    expect(sent.code).to.equal(Status.UNAVAILABLE);
    expect(errorOfStatus(Object.assign(new Error(), sent), 'call')).to.be.instanceOf(TransientError);
  });

  it('takes what the wire itself says by whether another try could help', () => {
    const { metadata } = statusOfError(new TransientError('a source of empty metadata'), 'host');
    const wire = (code: Status) => errorOfStatus(Object.assign(new Error(), { code, details: '', metadata }), 'call');
    for (const code of [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.INTERNAL, Status.CANCELLED]) {
      expect(wire(code), Status[code]).to.be.instanceOf(TransientError);
    }
    expect(wire(Status.UNIMPLEMENTED)).to.include({ code: 'rpc-unimplemented' });
    expect(wire(Status.RESOURCE_EXHAUSTED)).to.include({ code: 'rpc-resource-exhausted' });
  });

  it('stands whatever a peer writes in place of a code or a hint', () => {
    const said = (code: string, hint: string) => {
      const { metadata } = statusOfError(new TransientError('a source of empty metadata'), 'host');
      metadata?.set(CODE_KEY, code);
      metadata?.set(HINT_KEY, hint);
      return errorOfStatus(
        Object.assign(new Error(), { code: Status.FAILED_PRECONDITION, details: '', metadata }),
        'call',
      );
    };
    expect(said('host-revoked', '%E0%A4%A')).to.include({ code: 'host-revoked', hint: undefined });
    for (const code of ['Host Revoked', 'x'.repeat(129), 'a/../b', ''])
      expect(said(code, '')).to.include({ code: 'rpc-failed-precondition' });
  });

  it('leaves an error alone that is of the two families already', () => {
    const error = new RejectedError('as-it-was', 'before');
    expect(errorOfStatus(error, 'call')).to.equal(error);
  });
});
