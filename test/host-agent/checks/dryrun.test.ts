/** A dry run over a real database: what it changes is found, where it stops it is held, and only a ruling takes it on. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { loadProgress, saveRuling } from '../../../host-agent/checks/hold.ts';
import type { RunFacts } from '../../../host-agent/checks/observe.ts';
import type { Json } from '../../../shared/canonical-json.ts';
import type { Ruling } from '../../../shared/orders/ruling.ts';
import { skipAloud } from '../../support/skip.ts';
import { type AskedCheck, CheckWorld, sandbox, type WorldContent } from './check-world.ts';

/** Asks `KEYTURN_RESUME` how far it is; each stop gate of its arguments stops it once. */
const STOPPING = `
import json, os, sys
gates = sys.argv[1:]
passed = os.environ.get('KEYTURN_RESUME', '').split()
left = [gate for gate in gates if gate not in passed]
channel = os.fdopen(3, 'w')
if left:
    print(json.dumps({'stopGate': left[0], 'summary': 'rows: 2', 'resume': ' '.join(passed + [left[0]])}), file=channel)
    channel.close()
    sys.exit(75)
print(json.dumps({'closeout': {'rows': 2}}), file=channel)
`;

class Facts implements RunFacts {
  readonly held = new Map<string, string>();
  load(name: string): Json | undefined {
    const text = this.held.get(name);
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }
  save(name: string, fact: Json): void {
    this.held.set(name, JSON.stringify(fact));
  }
}

const PARAMS = { entrypoint: 'dryrun', invariants: ['production-counts'] };

describe('a dry run', function () {
  this.timeout(60_000);
  let folder: string;
  let path: string;
  let facts: Facts;
  before(function () {
    if (!sandbox) skipAloud(this, 'there is no bubblewrap');
  });
  beforeEach(() => {
    // Where a sandbox sees the files of the host.
    folder = mkdtempSync('/var/lib/keyturn-test-');
    chmodSync(folder, 0o755);
    path = join(folder, 'production.sqlite');
    const database = new Database(path);
    database.exec('create table documents (id integer primary key); insert into documents values (1), (2)');
    database.close();
    facts = new Facts();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function content(argv: readonly string[], stopGates: readonly string[], more: object = {}): WorldContent {
    return {
      files: { 'app.py': STOPPING },
      entrypoints: { dryrun: { argv: [...argv], stopGates: [...stopGates], secrets: [], ...more } },
      secrets: { governance_ro: `sqlite://${path}` },
    };
  }

  const asked = (): AskedCheck => ({ kind: 'dryrun', params: PARAMS, context: { facts } });
  const ruling = (decision: 'proceed' | 'stop'): Ruling => ({
    host: 'h',
    run: 'r',
    head: '',
    check: 'asked',
    decision,
    stopGate: undefined,
    expiresMs: undefined,
    issuedAtMs: 0,
    reason: '',
  });

  async function heldAt(world: CheckWorld): Promise<string> {
    const outcome = await world.observe(asked());
    if (!('held' in outcome)) throw new Error(`it was not held: ${JSON.stringify(outcome)}`);
    return `${outcome.held.stopGate} ${outcome.held.summary}`;
  }

  it('without a stop gate closes out at once, and passes', async () => {
    await using world = new CheckWorld(content(['python3', 'app.py'], []));
    const answer = await world.ask(asked());
    expect(answer.status, answer.text).to.equal('PASS');
    expect(answer.text).to.include('"closeout":"{\\"rows\\":2}"').and.include('"documents":2');
  });

  it('is held at each of its stop gates, goes on by a ruling, and passes', async () => {
    await using world = new CheckWorld(content(['python3', 'app.py', 'SG1', 'SG2'], ['SG1', 'SG2']));
    expect(await heldAt(world)).to.equal('SG1 rows: 2');
    saveRuling(facts, ruling('proceed'));
    expect(await heldAt(world)).to.equal('SG2 rows: 2');
    expect(loadProgress(facts, 'asked')).to.deep.include({ passed: ['SG1'] });
    saveRuling(facts, ruling('proceed'));
    const answer = await world.ask(asked());
    expect(answer.status, answer.text).to.equal('PASS');
    expect(answer.text).to.include('"resumedStopGates":["SG1","SG2"]');
  });

  it('that is asked again before anybody has ruled starts nothing, and waits', async () => {
    await using world = new CheckWorld(content(['python3', 'app.py', 'SG1'], ['SG1']));
    await heldAt(world);
    const before = [...facts.held];
    expect(await heldAt(world)).to.equal('SG1 it waits for a ruling');
    expect([...facts.held]).to.deep.equal(before);
  });

  it('that people stop is blocked, and says so', async () => {
    await using world = new CheckWorld(content(['python3', 'app.py', 'SG1'], ['SG1']));
    await heldAt(world);
    saveRuling(facts, ruling('stop'));
    const answer = await world.ask(asked());
    expect(answer.status).to.equal('BLOCKED');
    expect(answer.text).to.include('people have ruled to stop at SG1');
  });

  it('that is cut off behind a ruling counts each stop gate once when it is done again', async () => {
    await using world = new CheckWorld(content(['python3', 'app.py', 'SG1'], ['SG1']));
    await heldAt(world);
    saveRuling(facts, ruling('proceed'));
    await world.ask(asked()); // its evidence is lost with the agent
    const answer = await world.ask(asked());
    expect(answer.status, answer.text).to.equal('PASS');
    expect(answer.text).to.include('"resumedStopGates":["SG1"]');
  });

  it('keeps its token to itself', async () => {
    await using world = new CheckWorld(content(['python3', 'app.py', 'SG1'], ['SG1']));
    const outcome = await world.observe(asked());
    expect(JSON.stringify(outcome)).to.not.include('resume');
    expect(loadProgress(facts, 'asked')?.hold?.resume).to.equal('SG1');
  });

  const failing: Readonly<
    Record<string, readonly [argv: readonly string[], stopGates: readonly string[], what: string]>
  > = {
    'that ends without a closeout': [['python3', '-c', 'pass'], [], '"isClosedOut":false'],
    'that stops without exit 75': [
      ['python3', '-c', 'import os; os.write(3, b\'{"stopGate":"SG1","summary":"s","resume":"r"}\\n\')'],
      ['SG1'],
      '"isClosedOut":false',
    ],
    'that exits with 75 and says nothing': [['python3', '-c', 'raise SystemExit(75)'], ['SG1'], '"code":75'],
    'that says something else at a stop gate': [
      ['python3', '-c', 'import os; os.write(3, b\'{"stopGate":"sg1"}\\n\'); raise SystemExit(75)'],
      ['SG1'],
      '"code":75',
    ],
    'that passes by a stop gate': [['python3', 'app.py'], ['SG1'], '"resumedStopGates":[]'],
    'that fails': [['python3', '-c', 'raise SystemExit(3)'], [], '"code":3'],
    'that closes out and fails': [
      ['python3', '-c', 'import os; os.write(3, b\'{"closeout":{}}\\n\'); raise SystemExit(1)'],
      [],
      '"code":1',
    ],
  };
  for (const [title, [argv, stopGates, what]] of Object.entries(failing)) {
    it(`fails when it is one ${title}`, async () => {
      await using world = new CheckWorld(content(argv, stopGates));
      const answer = await world.ask(asked());
      expect(answer.status, answer.text).to.equal('FAIL');
      expect(answer.text).to.include(what);
    });
  }

  it('fails when a count has changed meanwhile, whoever changed it', async () => {
    await using world = new CheckWorld(content(['python3', 'app.py', 'SG1'], ['SG1']));
    await heldAt(world);
    const database = new Database(path);
    database.exec('insert into documents values (3)');
    database.close();
    saveRuling(facts, ruling('proceed'));
    const answer = await world.ask(asked());
    expect(answer.status).to.equal('FAIL');
    expect(answer.text).to.include('"before":{"documents":2}').and.include('"after":{"documents":3}');
  });

  it('cannot write to the database that it reads', async () => {
    const script = `import sqlite3; sqlite3.connect('${'PATH'}').execute('insert into documents values (9)')`;
    const argv = ['python3', '-c', script.replace('PATH', path)];
    await using world = new CheckWorld(content(argv, []));
    const answer = await world.ask(asked());
    expect(answer.status).to.equal('FAIL');
    expect(new Database(path, { readonly: true }).prepare('select count(*) from documents').pluck().get()).to.equal(2);
  });

  it('is blocked when its database is not there, and nothing of it has run', async () => {
    rmSync(path);
    await using world = new CheckWorld(content(['python3', 'app.py'], []));
    const answer = await world.ask(asked());
    expect(answer.status, answer.text).to.be.oneOf(['BLOCKED', 'UNKNOWN']);
    expect(facts.held.size).to.equal(0);
  });
});
