/** An agent that waits decides by two questions to its journal whether it has to begin; in doubt it begins. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DirectiveLog } from '../../../host-agent/journal/directives.ts';
import { HostKills } from '../../../host-agent/journal/host-kills.ts';
import { createJournal, type JournalDatabase } from '../../../host-agent/journal/journal.ts';
import { isResting } from '../../../host-agent/run/machine.ts';
import { parseRunState } from '../../../host-agent/run/saved-state.ts';
import { untilWorkIsDue } from '../../../host-agent/service/due-work.ts';
import { Wakeup } from '../../../shared/time/wakeup.ts';

const AT_REST = { phase: 'proven', remaining: [], statuses: [], isPromoted: true, isReported: false };
const UNDER_WAY = { ...AT_REST, phase: 'checking', remaining: [{ do: 'tidy' }] };

/** States of one run as they may stand in the journal, and whether the agent has to begin. */
const STATES: Record<string, { readonly state: string; readonly isDue: boolean }> = {
  'a run at rest': { state: JSON.stringify(AT_REST), isDue: false },
  'a run under way': { state: JSON.stringify(UNDER_WAY), isDue: true },
  'a run whose state is empty': { state: '', isDue: true },
  'a run whose state is cut off': { state: JSON.stringify(AT_REST).slice(0, -1), isDue: true },
  'a run whose state is null': { state: 'null', isDue: true },
  'a run whose state has no steps': { state: '{"phase":"proven"}', isDue: true },
  'a run whose steps are a number': { state: '{"remaining":0}', isDue: true },
  'a run whose steps are an object': { state: '{"remaining":{}}', isDue: true },
};

describe('host-agent/service/due-work', () => {
  let folder: string;
  let database: JournalDatabase;
  let wakeup: Wakeup;
  let door: { isWanted: boolean };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-due-'));
    database = createJournal(folder);
    wakeup = new Wakeup();
    door = { isWanted: false };
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Whether it is due as things stand: where it is not, only a stop ends the wait. */
  async function isDue(): Promise<boolean> {
    const stopping = new AbortController();
    let isStopped = false;
    const waited = untilWorkIsDue(stopping.signal, { database, wakeup, door }).then(() => !isStopped);
    await new Promise((resolve) => setImmediate(resolve));
    isStopped = true;
    stopping.abort();
    return waited;
  }

  function addRun(state: string, id = 'r'): void {
    database.prepare('insert into runs (id, directive, state) values (?, 1, ?)').run(id, state);
  }

  it('an empty journal leaves nothing to do', async () => {
    expect(await isDue()).to.equal(false);
  });

  it('has a row for each state that a run may be found in', () => {
    expect(Object.keys(STATES).length).to.be.at.least(8);
  });

  for (const [name, { state, isDue: expected }] of Object.entries(STATES)) {
    it(`${name} ${expected ? 'is something to do, also beside one at rest' : 'leaves nothing to do'}`, async () => {
      addRun(JSON.stringify(AT_REST), 'another');
      addRun(state);
      expect(await isDue()).to.equal(expected);
    });
  }

  it('is at rest as the machine has it', () => {
    for (const state of [AT_REST, UNDER_WAY]) {
      expect(isResting(parseRunState(JSON.stringify(state)))).to.equal(state === AT_REST);
    }
  });

  it('wakes for a directive, and not for anything else', async () => {
    const directives = new DirectiveLog(database);
    directives.onAccepted(() => wakeup.wake());
    let isEnded = false;
    const waited = untilWorkIsDue(new AbortController().signal, {
      database,
      wakeup,
      door,
    }).then(() => (isEnded = true));
    for (let turn = 0; turn < 3; turn += 1) {
      wakeup.wake();
      await new Promise((resolve) => setImmediate(resolve));
      expect(isEnded).to.equal(false);
    }
    directives.accept({ seq: 1, bytes: Buffer.from('a') });
    await waited;
  });

  it('a directive that is handled leaves nothing to do', async () => {
    const directives = new DirectiveLog(database);
    directives.accept({ seq: 1, bytes: Buffer.from('a') });
    expect(await isDue()).to.equal(true);
    directives.markHandled(1);
    expect(await isDue()).to.equal(false);
  });

  it('a kill on the host that nobody has been told of is something to do, until it is told', async () => {
    const kills = new HostKills(database);
    kills.add({ app: 'app', reason: 'smoke', by: 'root', atMs: 1 });
    expect(await isDue()).to.equal(true);
    kills.markAnswered(1);
    expect(await isDue()).to.equal(true);
    kills.forget(1);
    expect(await isDue()).to.equal(false);
  });

  it('begins when somebody on this host wants what only the work can do', async () => {
    const waited = untilWorkIsDue(new AbortController().signal, { database, wakeup, door });
    door.isWanted = true;
    wakeup.wake();
    await waited;
  });

  it('a journal that cannot be read is something to do: whoever works says what is wrong with it', async () => {
    database.close();
    expect(await isDue()).to.equal(true);
  });
});
