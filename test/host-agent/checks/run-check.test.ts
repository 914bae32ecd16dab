/** Whatever a check does or throws, evidence comes of it, and never a pass. */
import { expect } from 'chai';
import { type CheckContext, type CheckOutcome, observed } from '../../../host-agent/checks/observe.ts';
import type { Json } from '../../../shared/canonical-json.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import type { Status } from '../../../shared/ledger/status.ts';
import { type AskedCheck, askOnce, CheckWorld, python } from './check-world.ts';

interface ThrowRow {
  readonly observe: (context: CheckContext) => Promise<CheckOutcome>;
  readonly status: Status;
  readonly says: string;
}

const rows: Record<string, ThrowRow> = {
  'a refusal blocks the check': {
    observe: async () => {
      throw new RejectedError('plan-unclear', 'failed to do "x"', { hint: 'a plan that says y' });
    },
    status: 'BLOCKED',
    says: '"needs":["a plan that says y"]',
  },
  'a world in the way loses the check, and its cause is told': {
    observe: async () => {
      throw new TransientError('cannot read "x"', { cause: new Error('EIO: i/o error') });
    },
    status: 'UNKNOWN',
    says: 'cannot read \\"x\\": EIO',
  },
  'a mistake in the check loses it': {
    observe: async () => undefined as unknown as CheckOutcome,
    status: 'UNKNOWN',
    says: '"lose"',
  },
  'something thrown that is no error loses it': {
    observe: () => Promise.reject('what'),
    status: 'UNKNOWN',
    says: 'what',
  },
  'an observation of another shape proves nothing': {
    observe: async () => observed({ path: '.env' }),
    status: 'UNKNOWN',
    says: '"observe"',
  },
  'an observation with a number that no ledger can hold is lost': {
    observe: async () => observed({ path: '.env', is: 'nothing', at: 0.5 }),
    status: 'UNKNOWN',
    says: 'does not fit',
  },
  'an observation that is too large is lost': {
    observe: async () => observed({ path: '.env', is: 'nothing', more: 'x'.repeat(200_000) }),
    status: 'UNKNOWN',
    says: 'does not fit',
  },
  'a check that never ends is given up': {
    observe: () => new Promise<CheckOutcome>(() => undefined),
    status: 'UNKNOWN',
    says: 'did not end in time',
  },
  'a reason that is too long is cut': {
    observe: async () => ({ result: { did: 'block', reason: 'x'.repeat(10_000), needs: ['y'.repeat(10_000)] } }),
    status: 'BLOCKED',
    says: 'xxx...',
  },
};

const asked: AskedCheck = { kind: 'absent', params: { path: '.env' }, timeoutMs: 20 };

describe('the run of a check', function () {
  this.timeout(20_000);

  it('goes wrong in nine ways', () => {
    expect(Object.keys(rows)).to.have.length(9);
  });

  for (const [sentence, { observe, status, says }] of Object.entries(rows)) {
    it(sentence, async () => {
      const options = { planChecks: new Map([['absent', observe]]), graceMs: 20 };
      const answer = await askOnce({}, { ...asked, options });
      expect(answer.status, answer.text.slice(0, 2000)).to.equal(status);
      expect(answer.text).to.include(says);
      expect(answer.evidence.capsule).to.equal(undefined);
    });
  }

  it('aborts a check at its deadline, so that it can end by itself', async () => {
    const observe = ({ signal }: CheckContext) =>
      new Promise<CheckOutcome>((resolve) => {
        signal.addEventListener('abort', () => resolve({ result: { did: 'lose', reason: 'aborted by itself' } }));
      });
    const options = { planChecks: new Map([['absent', observe]]), graceMs: 20 };
    const answer = await askOnce({}, { ...asked, options });
    expect(answer.text).to.include('aborted by itself');
  });

  it('loses a check that is stopped from outside, with its process gone', async () => {
    const stop = new AbortController();
    await using world = new CheckWorld({ files: { 'wait.py': 'import time\ntime.sleep(3600)\n' } });
    const asking = world.ask({ kind: 'exec', params: python('wait.py'), context: { signal: stop.signal } });
    stop.abort();
    const answer = await asking;
    expect(answer.status).to.equal('UNKNOWN');
    expect(answer.evidence.result.did).to.equal('lose');
  });

  it('takes start and duration from the clock that it is given', async () => {
    const { evidence } = await askOnce({}, asked);
    expect(evidence.startedAt).to.equal('2026-05-21T09:00:00.000Z');
    expect(evidence.durationMs).to.equal(0);
  });

  it('takes no time when its clock runs backwards', async () => {
    const instants = ['2026-05-21T09:00:01.500Z', '2026-05-21T09:00:00.000Z'];
    const now = () => new Date(instants.shift() ?? '');
    const { evidence } = await askOnce({}, { ...asked, options: { now } });
    expect(evidence.startedAt).to.equal('2026-05-21T09:00:01.500Z');
    expect(evidence.durationMs).to.equal(0);
  });

  it('tells how long it took', async () => {
    const instants = ['2026-05-21T09:00:00.000Z', '2026-05-21T09:00:01.234Z'];
    const now = () => new Date(instants.shift() ?? '');
    expect((await askOnce({}, { ...asked, options: { now } })).evidence.durationMs).to.equal(1234);
  });

  const blocks: Record<string, { asked: AskedCheck; says: string }> = {
    'parameters that the kind does not know': {
      asked: { kind: 'absent', params: { path: '.env', force: true } },
      says: 'check-params-malformed',
    },
    'a kind that nobody knows': {
      asked: { kind: 'shell', params: {} as Record<string, Json> },
      says: 'check-kind-unknown',
    },
    "one of Keyturn's own kinds named by a plan": {
      asked: {
        ...asked,
        options: { planChecks: new Map(), builtInChecks: new Map([['absent', async () => observed({})]]) },
      },
      says: 'check-kind-unknown',
    },
    'an entrypoint that the plan does not declare': {
      asked: { kind: 'refuses-live', params: { entrypoint: 'live' } },
      says: 'entrypoint-undeclared',
    },
    'an entrypoint with the name of a built-in property': {
      asked: { kind: 'entrypoint', params: { entrypoint: 'constructor' } },
      says: 'entrypoint-undeclared',
    },
    'a process on a host without bubblewrap': {
      asked: { kind: 'exec', params: { argv: ['true'] }, context: { sandbox: undefined } },
      says: '"needs":["bubblewrap"]',
    },
    'a program that is not on this host': {
      asked: { kind: 'exec', params: { argv: ['no-such-program'] } },
      says: 'cannot find program',
    },
    'a folder to run in that is no folder of the tree': {
      asked: { kind: 'exec', params: { argv: ['true'], cwd: 'missing' } },
      says: 'missing',
    },
  };

  it('is blocked in eight ways', () => {
    expect(Object.keys(blocks)).to.have.length(8);
  });

  for (const [sentence, { asked: ask, says }] of Object.entries(blocks)) {
    it(`is blocked by ${sentence}`, async () => {
      const answer = await askOnce({}, ask);
      expect(answer.status, answer.text).to.equal('BLOCKED');
      expect(answer.text).to.include(says);
      expect(answer.isHostUntouched).to.equal(true);
    });
  }

  it('goes without a sandbox where the policy allows it, and the evidence says so', async () => {
    const context = { sandbox: undefined, sandboxRule: 'optional' as const };
    const answer = await askOnce({}, { kind: 'exec', params: { argv: ['true'] }, context });
    expect(answer.status, answer.text).to.equal('PASS');
    expect(answer.text).to.include('"kind":"none"');
  });
});

describe('a dry run on a host without its data source', () => {
  const production = {
    files: {},
    secrets: { governance_ro: undefined },
    entrypoints: { dryrun: { argv: ['python3', '-m', 'cutter'] } },
  };

  it('leaves the gap of a dry run, which says what was not proven', async () => {
    const params = { entrypoint: 'dryrun', invariants: ['production-counts'] };
    const answer = await askOnce(production, { kind: 'dryrun', params });
    expect(answer.status).to.equal('PARTIAL');
    expect(answer.evidence.result).to.deep.include({ did: 'leave-a-gap', owner: 'unassigned' });
    expect(answer.text).to.include('a dry run of entrypoint dryrun (python3 -m cutter) against live data was not run');
  });

  it('blocks a dry run whose invariant the plan does not declare', async () => {
    const params = { entrypoint: 'dryrun', invariants: ['other'] };
    const answer = await askOnce(production, { kind: 'dryrun', params });
    expect(answer.status).to.equal('BLOCKED');
    expect(answer.text).to.include('invariant-undeclared');
  });
});
