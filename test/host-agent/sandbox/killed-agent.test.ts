/** What is left of a run whose agent gets a SIGKILL while it starts: nothing that runs free, and nothing for good. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { AGENT_MARK } from '../../../host-agent/sandbox/agent-mark.ts';
import { cgroupMounts } from '../../../host-agent/sandbox/cgroup-mounts.ts';
import { detectSandbox, type SandboxSpec } from '../../../host-agent/sandbox/sandbox.ts';
import { NOBODY } from '../../support/nobody.ts';
import { skipAloud } from '../../support/skip.ts';
import { pidsSaying, processesSaying, requireSandbox, SandboxWorld } from './sandbox-world.ts';

const RUN_SPEC = fileURLToPath(new URL('run-spec.ts', import.meta.url));
const INSTANT_COUNT = 24;

describe('an agent that is killed while it starts a run', function () {
  this.timeout(120_000);
  let world: SandboxWorld;
  let said: string;
  let mechanism: string;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
    said = join(world.root, 'said');
    mechanism = (await world.run(['true'])).sandbox.limits;
  });
  beforeEach(() => {
    mkdirSync(said);
    chmodSync(said, 0o777);
  });
  afterEach(async () => {
    await detectSandbox();
    rmSync(said, { recursive: true });
  });
  after(() => world?.remove());

  /** A payload that tells which groups it is in, and then stays. */
  function stayingPayload(mark: string): SandboxSpec {
    const script = `cat /proc/self/cgroup > ${said}/groups; sleep ${mark}`;
    return world.spec(['sh', '-c', script], { writable: [said] });
  }

  /** An agent and its bubblewrap, as soon as that is there. */
  async function startAgent(mark: string): Promise<Victim> {
    const agent = spawn(process.execPath, [RUN_SPEC, JSON.stringify(stayingPayload(mark))], { stdio: 'ignore' });
    for (;;) {
      const outer = childrenOf(agent.pid).find((pid) => commandLineOf(pid).includes(AGENT_MARK));
      if (outer !== undefined) return { agent, outer };
      await delay(0);
    }
  }

  it('while bubblewrap waits for its release, leaves nothing, and the payload has not begun', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'only root sees what the process of a user namespace waits for');
    const { agent, outer } = await startAgent('1000.6875');
    const first = firstBelow(outer);
    // Held, the agent cannot release what bubblewrap meanwhile makes ready: it comes to the pipe of the marker, or of the block.
    agent.kill('SIGSTOP');
    while (!isReadingFrom(first ?? 0, [5, 7])) await delay(1);
    expect(existsSync(join(said, 'groups'))).to.equal(false);
    await killed(agent);
    while (processesSaying('1000.6875').length > 0) await delay(1);
    expect(existsSync(join(said, 'groups'))).to.equal(false);
  });

  it('just when bubblewrap has made its first process, leaves one that waits, and the next agent ends it', async () => {
    let waitingCount = 0;
    for (let round = 0; round < 100 && waitingCount === 0; round++) {
      const { agent, outer } = await startAgent('1000.71875');
      firstBelow(outer);
      await killed(agent);
      while (existsSync(`/proc/${outer}/exe`)) await delay(1);
      waitingCount += processesSaying('1000.71875').length;
      await detectSandbox();
      expect(processesSaying('1000.71875')).to.deep.equal([]);
    }
    expect(waitingCount, 'processes that had to be ended').to.be.at.least(1);
  });

  it(`at ${INSTANT_COUNT} instants of its start, lets no payload run out of its groups and leaves none`, async () => {
    let begunCount = 0;
    for (let instant = 0; instant < INSTANT_COUNT; instant++) {
      const { agent } = await startAgent('1000.734375');
      const killAtMs = performance.now() + 2 * instant;
      while (performance.now() < killAtMs);
      await killed(agent);
      await detectSandbox();
      expect(processesSaying('1000.734375'), `${2 * instant} ms`).to.deep.equal([]);
      const groups = existsSync(join(said, 'groups')) ? readFileSync(join(said, 'groups'), 'utf8') : '';
      rmSync(join(said, 'groups'), { force: true });
      if (groups !== '') begunCount++;
      // Of version 1 there are two, one for each controller.
      const expected = { 'cgroup-v1': 2, 'cgroup-v2': 1, rlimit: 0 }[mechanism];
      if (groups !== '') expect(groups.split(`keyturn-${agent.pid}-`).length - 1, groups).to.equal(expected);
    }
    console.log(`      ${INSTANT_COUNT} instants; ${begunCount} payloads had begun`);
  });
});

describe('an agent that is killed while something runs without a sandbox', function () {
  this.timeout(30_000);
  const isGrouped = (pid: number) =>
    commandLineOf(pid).includes('run-spec') || textAt(`/proc/${pid}/cgroup`).includes('/keyturn-');
  it('leaves it running, and the next agent ends it with all that it has forked', async function () {
    const world = new SandboxWorld(await requireSandbox(this));
    try {
      const { limits } = (await world.run(['true'])).sandbox;
      if (limits === 'rlimit') skipAloud(this, 'without control groups nothing tells whose process it is');
      const spec = world.spec(['sh', '-c', 'setsid sleep 1000.765625 & sleep 1000.765625']);
      chmodSync(world.root, 0o755);
      const agent = spawn(process.execPath, [RUN_SPEC, JSON.stringify(spec), '{}', 'none'], { stdio: 'ignore' });
      const sleeping = () => processesSaying('1000.765625').filter((commandLine) => commandLine.startsWith('sleep'));
      while (sleeping().length < 2 || !pidsSaying('sleep 1000.765625').every(isGrouped)) await delay(1);
      await killed(agent);
      expect(sleeping()).to.have.lengthOf(2);
      await detectSandbox();
      expect(processesSaying('1000.765625')).to.deep.equal([]);
      const groups = cgroupMounts().flatMap(({ ownFolder }) => (existsSync(ownFolder) ? readdirSync(ownFolder) : []));
      expect(groups.filter((name) => name.startsWith(`keyturn-${agent.pid}-`))).to.deep.equal([]);
    } finally {
      world.remove();
    }
  });
});

describe('an agent that starts', function () {
  this.timeout(30_000);
  let world: SandboxWorld;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
  });
  after(() => world?.remove());

  it('leaves alone what a living agent runs', async () => {
    const abort = new AbortController();
    const running = world.run(['sleep', '1000.75'], { signal: abort.signal });
    while (!processesSaying('1000.75').some((commandLine) => commandLine.startsWith('sleep'))) await delay(1);
    const other = spawn(process.execPath, [RUN_SPEC, JSON.stringify(world.spec(['true']))], { stdio: 'ignore' });
    expect(await once(other, 'exit')).to.deep.equal([0, null]);
    expect(processesSaying('1000.75').some((commandLine) => commandLine.startsWith('sleep'))).to.equal(true);
    abort.abort();
    expect((await running).ended).to.deep.equal({ by: 'aborted' });
  });

  const NAMESPACE = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
  const DEAD = `${NAMESPACE}-${process.pid}-1`;
  const BYSTANDERS: Readonly<Record<string, { words: readonly string[]; uid?: number }>> = {
    'of another user, whatever its command line says': { words: ['--setenv', AGENT_MARK, DEAD, '--'], uid: NOBODY },
    'that has the mark among the words of a plan': { words: ['--', '--setenv', AGENT_MARK, DEAD] },
    'that names an agent of another pid namespace': { words: ['--setenv', AGENT_MARK, `1${DEAD}`, '--'] },
    'whose mark is none': { words: ['--setenv', AGENT_MARK, 'dead', '--'] },
    'that has the mark alone': { words: [AGENT_MARK, DEAD, '--'] },
  };
  it('meets at least five bystanders', () => expect(Object.keys(BYSTANDERS)).to.have.length.of.at.least(5));
  for (const [who, { words, uid }] of Object.entries(BYSTANDERS)) {
    it(`leaves alone a process ${who}`, async function () {
      if (uid !== undefined && process.getuid?.() !== 0) skipAloud(this, 'this needs root');
      const child = bystander(words, uid);
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      await detectSandbox();
      expect([child.exitCode, child.signalCode]).to.deep.equal([null, null]);
      expect(pidsSaying('bystander')).to.include(child.pid);
      await killed(child);
    });
  }

  it('ends a process of its own user with the mark of a dead agent', async () => {
    const child = bystander(['--setenv', AGENT_MARK, DEAD, '--']);
    const exited = once(child, 'exit');
    // Another agent that starts on this machine may be quicker: the mark is that of a dead one for each of them.
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), exited]);
    await detectSandbox();
    expect(await exited).to.deep.equal([null, 'SIGKILL']);
  });
});

interface Victim {
  readonly agent: ChildProcess;
  readonly outer: number;
}

function bystander(words: readonly string[], uid?: number): ChildProcess {
  const script = "import sys, time; print('ready', flush=True); time.sleep(1000)";
  return spawn('/usr/bin/python3', ['-c', script, 'bystander', ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
    ...(uid !== undefined && { uid }),
  });
}

async function killed(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** The first process of the namespace, at the moment it is born: no turn of the event loop in between. */
function firstBelow(outer: number): number | undefined {
  while (existsSync(`/proc/${outer}/exe`)) {
    const [first] = childrenOf(outer);
    if (first !== undefined) return first;
  }
  return undefined;
}

/** By the first argument of the system call that it is in. */
function isReadingFrom(pid: number, fds: readonly number[]): boolean {
  return fds.includes(Number(textAt(`/proc/${pid}/syscall`).split(' ')[1]));
}

function childrenOf(pid: number | undefined): number[] {
  return textAt(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function commandLineOf(pid: number): string {
  return textAt(`/proc/${pid}/cmdline`);
}

function textAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
