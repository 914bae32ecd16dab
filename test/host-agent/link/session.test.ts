import { expect } from 'chai';

import { Link, type LinkOptions, type LinkState } from '../../../host-agent/link/link.ts';
import { encodeOutcome } from '../../../host-agent/link/report.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import type { AgentToControl } from '../../../shared/rpc/generated/messages.ts';
import {
  deployDirective,
  FakeControlPlane,
  type ScriptedSession,
  type SessionScript,
  welcome,
} from '../../support/fake-control-plane.ts';

/** What ended the first session, and what the journal holds afterwards. */
interface Ending {
  readonly code: string;
  readonly directives: number[];
}

interface Row {
  readonly script: SessionScript;
  readonly code: string;
  readonly directives: number[];
}

const ATTACKS: Readonly<Record<string, Row>> = {
  'a control plane that skips a directive is refused, and nothing after the gap is kept': {
    script: greeted((session) => say(session, deployDirective(1), deployDirective(3))),
    code: 'directive-out-of-order',
    directives: [1],
  },
  'a directive that comes twice is kept once, and the session goes on': {
    script: greeted(async (session) => {
      say(session, deployDirective(1), deployDirective(1), deployDirective(2));
      await heardAck(session, 2);
      throw new RejectedError('the-end', 'the script has ended');
    }),
    code: 'the-end',
    directives: [1, 2],
  },
  'a control plane that acknowledges a report that was never sent is refused': {
    script: greeted((session) => say(session, { seq: 0, ack: 7, body: undefined })),
    code: 'acknowledgement-unfounded',
    directives: [],
  },
  'a session that does not begin with Welcome is refused': {
    script: async (session) => {
      await session.hear();
      say(session, deployDirective(1));
      await session.hear();
    },
    code: 'welcome-missing',
    directives: [],
  },
  'a second Welcome is refused': {
    script: greeted((session) => say(session, welcome())),
    code: 'welcome-repeated',
    directives: [],
  },
  'a directive of a kind that is not known is given to the journal as it is': {
    script: greeted(async (session) => {
      say(session, { seq: 1, ack: 0, body: 'directive', directive: {} });
      await heardAck(session, 1);
      throw new RejectedError('the-end', 'the script has ended');
    }),
    code: 'the-end',
    directives: [1],
  },
};

describe('host-agent/link/session', () => {
  let running: FakeControlPlane | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  async function started(script: SessionScript): Promise<FakeControlPlane> {
    running = await FakeControlPlane.start(script);
    return running;
  }

  it('has a row for each way to mislead a host', () => {
    expect(Object.keys(ATTACKS)).to.have.length(6);
  });

  for (const [story, { script, code, directives }] of Object.entries(ATTACKS)) {
    it(story, async () => {
      const fake = await started(script);
      expect(await endingOf(fake)).to.deep.equal({ code, directives });
    });
  }

  it('says in Hello what is durable here, and sends what the Welcome lacks, in order', async () => {
    const heard: AgentToControl[] = [];
    const fake = await started(async (session) => {
      heard.push((await session.hear()) as AgentToControl);
      say(session, welcome(2));
      for (let count = 0; count < 2; count += 1) heard.push((await session.hear()) as AgentToControl);
    });
    fake.journal.accept({ seq: 1, bytes: Buffer.from([1]), message: {} });
    for (const seq of [1, 2, 3, 4]) fake.journal.append(encodeOutcome({ directiveSeq: seq, refusalCode: '' }));
    await endingOf(fake);
    expect(heard.map(({ seq, ack, body }) => ({ seq, ack, body }))).to.deep.equal([
      { seq: 0, ack: 1, body: 'hello' },
      { seq: 3, ack: 1, body: 'report' },
      { seq: 4, ack: 1, body: 'report' },
    ]);
    expect(fake.journal.pendingAfter(0, 10).map(({ id }) => id)).to.deep.equal([3, 4]);
  });

  it('is caught up once all that waited when the session began is durable, and not before; without a session, never', async () => {
    const [two, three] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const fake = await started(async (session) => {
      await session.hear();
      session.say({ ...welcome(), body: 'welcome', welcome: { lastDirectiveSeq: 3 } });
      say(session, deployDirective(1), deployDirective(2));
      await two.promise;
      say(session, deployDirective(3));
      await three.promise;
      // One that is ordered later is on its way as any is: it does not count as held back.
      say(session, deployDirective(4));
      while ((await session.hear()) !== undefined);
    });
    const link = start(fake);
    expect(link.isCaughtUp).to.equal(false);
    await fake.journal.until(() => fake.journal.lastSeq() === 2);
    expect([link.state.name, link.isCaughtUp]).to.deep.equal(['open', false]);
    two.resolve();
    await fake.journal.until(() => fake.journal.lastSeq() === 3);
    expect(link.isCaughtUp).to.equal(true);
    three.resolve();
    await fake.journal.until(() => fake.journal.lastSeq() === 4);
    expect(link.isCaughtUp).to.equal(true);
    await link.stop();
    expect(link.isCaughtUp).to.equal(false);
  });

  it('keeps a report until it is acknowledged, and forgets exactly what was', async () => {
    const fake = await started(
      greeted(async (session) => {
        await session.hear();
        await session.hear();
        say(session, { seq: 0, ack: 1, body: undefined });
        await session.hear();
      }),
    );
    for (const seq of [1, 2]) fake.journal.append(encodeOutcome({ directiveSeq: seq, refusalCode: '' }));
    const link = start(fake);
    await fake.journal.until(() => fake.journal.pendingAfter(0, 10).length < 2);
    expect(fake.journal.pendingAfter(0, 10).map(({ id }) => id)).to.deep.equal([2]);
    await link.stop();
  });

  it('gives up a renewal that nobody answers, and asks again', async () => {
    const asked: (() => void)[] = [];
    const fake = await started(greeted(() => undefined));
    const { renew } = fake;
    fake.renew = async () => {
      asked.shift()?.();
      return new Promise<never>(() => {});
    };
    const first = new Promise<void>((resolve) => asked.push(resolve));
    const opened = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<unknown>();
    const renewed = Promise.withResolvers<void>();
    const link = start(fake, ({ name }) => name === 'open' && opened.resolve(), {
      onTrouble: failed.resolve,
      onRenewed: () => renewed.resolve(),
    });
    await opened.promise;
    fake.clock.advance(16 * 60 * 60 * 1000);
    await first;
    fake.clock.advance(30_000);
    expect(await failed.promise).to.be.instanceOf(TransientError);
    fake.renew = renew;
    await fake.clock.whenPending(2);
    fake.clock.advance(60_000);
    await renewed.promise;
    await link.stop();
    expect(fake.clock.pendingMs()).to.deep.equal([]);
  });

  it('does not renew without a pause when its clock is so far ahead that every certificate is old', async () => {
    const fake = await started(greeted(() => undefined));
    const { renew } = fake;
    let renewedCount = 0;
    fake.renew = (csr) => {
      renewedCount += 1;
      return renew(csr);
    };
    const opened = Promise.withResolvers<void>();
    const renewed = Promise.withResolvers<void>();
    const link = start(fake, ({ name }) => name === 'open' && opened.resolve(), { onRenewed: () => renewed.resolve() });
    await opened.promise;
    fake.clock.advance(17 * 60 * 60 * 1000);
    await renewed.promise;
    await new Promise(setImmediate);
    expect(fake.clock.pendingMs()).to.include(60_000);
    expect(fake.clock.pendingMs()).to.not.include(0);
    expect(renewedCount).to.equal(1);
    await link.stop();
  });

  it('beats at its interval, with what its clock says', async () => {
    let beat: AgentToControl | undefined;
    const fake = await started(
      greeted(async (session) => {
        beat = await session.hear();
      }),
    );
    const states: LinkState[] = [];
    const opened = Promise.withResolvers<void>();
    const link = start(fake, (state) => {
      states.push(state);
      if (state.name === 'open') opened.resolve();
    });
    await opened.promise;
    // The timers of an open link: the next heartbeat and the renewal.
    await fake.clock.whenPending(2);
    fake.clock.advance(30_000);
    while (fake.sessionCount > 0 && beat === undefined) await new Promise(setImmediate);
    expect(beat).to.include({ body: 'heartbeat' });
    expect(beat?.body === 'heartbeat' && beat.heartbeat.clockAtMs).to.equal(fake.clock.now());
    await link.stop();
  });
});

function start(
  fake: FakeControlPlane,
  onState: (state: LinkState) => void = () => {},
  more: Partial<LinkOptions> = {},
): Link {
  const { host, address, identity, journal, clock } = fake;
  const link = new Link({
    host,
    address,
    identity,
    clock,
    onState,
    inbox: journal,
    outbox: journal,
    agentVersion: '0.0.0-test',
    random: () => 0.5,
    onTrustHint: () => {},
    ...more,
  });
  link.start();
  return link;
}

/** Runs a link until its first session has ended. */
async function endingOf(fake: FakeControlPlane): Promise<Ending> {
  const ended = Promise.withResolvers<Error | undefined>();
  const link = start(fake, (state) => {
    if (state.name === 'dialing' && state.failures > 0) ended.resolve(state.lastError);
  });
  const error = await ended.promise;
  await link.stop();
  const directives = fake.journal.directives().map(({ seq }) => seq);
  return { code: error instanceof RejectedError ? error.code : 'transient', directives };
}

/** Greets, plays on, and then waits until the host hangs up. */
function greeted(play: (session: ScriptedSession) => Promise<void> | void): SessionScript {
  return async (session) => {
    await session.hear();
    session.say(welcome());
    await play(session);
    while ((await session.hear()) !== undefined);
  };
}

function say(session: ScriptedSession, ...messages: Parameters<ScriptedSession['say']>[0][]): void {
  for (const message of messages) session.say(message);
}

async function heardAck(session: ScriptedSession, ack: number): Promise<void> {
  for (let heard = await session.hear(); heard !== undefined && heard.ack < ack; heard = await session.hear());
}
