/** What may have run out for whom: whoever signs a role needs it and those below, and everything above must be in force. */
import { expect } from 'chai';
import { checkInForce, expiredLines, type Renewing, renewalOf } from '../../../control-plane/cli/expired-metadata.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { assertTypable } from '../../support/mending-command.ts';

const ALL = ['release-cutter', 'snapshot', 'targets', 'root'];

/** The role that stands in the way, and so comes first. */
const FIRST: Readonly<Record<Renewing, Readonly<Record<string, string | undefined>>>> = {
  none: { root: 'root', targets: 'targets', snapshot: 'snapshot', 'release-cutter': 'release-cutter' },
  release: { root: 'root', targets: 'targets', snapshot: undefined, 'release-cutter': undefined },
  targets: { root: 'root', targets: undefined, snapshot: undefined, 'release-cutter': undefined },
  root: { root: undefined, targets: undefined, snapshot: undefined, 'release-cutter': undefined },
};

describe('metadata that has run out, where it can be renewed', () => {
  it('is judged for each of four by each of four', () =>
    expect(Object.values(FIRST).flatMap((row) => Object.keys(row))).to.have.length(16));

  for (const [renewing, row] of Object.entries(FIRST) as [Renewing, (typeof FIRST)[Renewing]][]) {
    for (const [expired, first] of Object.entries(row)) {
      it(`${expired} ${first === undefined ? 'is no reason to stop' : 'stops'} whoever signs ${renewing}`, () => {
        const check = () => checkInForce([expired], renewing);
        if (first === undefined) return check();
        const hint = `renew it first, where its keys are: keyturn ${renewalOf(first).join(' ')}`;
        expect(check).to.throw(RejectedError).that.deep.includes({ code: 'metadata-expired', hint });
      });
    }
  }

  it('names the highest first: nobody accepts what is signed below it', () => {
    expect(() => checkInForce(ALL, 'none')).to.throw('root.json has expired');
    expect(expiredLines(ALL).map((line) => line.split(' ')[0])).to.deep.equal([
      'root.json',
      'targets.json',
      'release-cutter.json',
      'snapshot.json',
    ]);
  });

  it('is renewed by commands that can be typed', () => {
    for (const role of ALL) assertTypable(`keyturn ${renewalOf(role).join(' ')}`);
  });
});
