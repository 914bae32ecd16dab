/** The program `keyturn-agent` as people and units start it: exit codes, and what each command says and leaves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { saveHostConfig } from '../../../host-agent/host/host-config.ts';
import { createJournal } from '../../../host-agent/journal/journal.ts';
import { IdentityStore } from '../../../host-agent/link/identity-store.ts';
import { resetTrusted } from '../../../host-agent/trust/metadata-store.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodeEnrolmentBundle } from '../../../shared/rpc/enrolment-bundle.ts';
import { forEachInParallel } from '../../../shared/store/in-parallel.ts';
import { NOW, policyBytes } from '../run/signed-world.ts';
import { TrustRoot } from '../run/trust-root.ts';

const MAIN = fileURLToPath(import.meta.resolve('../../../host-agent/main.ts'));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine of its own for each test. */
class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'keyturn-cli-'));
  readonly state = join(this.folder, 'state');

  start(words: readonly string[]): ChildProcess {
    const env = { ...process.env, KEYTURN_AGENT_STATE: this.state, NODE_OPTIONS: '' };
    return spawn(process.execPath, [MAIN, ...words], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  async run(words: readonly string[], input: Uint8Array | string = ''): Promise<Ended> {
    const child = this.start(words);
    const output = collect(child);
    // One that is refused does not read what it is given.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    const [code] = await once(child, 'close');
    return { code: code as number | null, ...output() };
  }

  /** As an enrolment leaves it, with a gateway that nobody answers at. */
  enrol(): void {
    const { folder, state } = this;
    const { baseline } = new TrustRoot({ now: NOW, policy: policyBytes() });
    const journal = createJournal(state);
    resetTrusted(journal, baseline, { adoptedAt: NOW });
    journal.close();
    new IdentityStore(join(state, 'identity')).makeLedgerKey();
    saveHostConfig(state, {
      schema: 'keyturn.agent/v1',
      host: 'devhost-1',
      gateway: '127.0.0.1:1',
      labels: { env: 'prod' },
      installRoots: ['/opt/dot'],
      rootPrefix: folder,
    });
  }

  /** A bundle of a control plane that is not there. */
  bundle(): string {
    const { baseline } = new TrustRoot({ now: NOW, policy: policyBytes() });
    const path = join(this.folder, 'bundle.json');
    const trust = Object.fromEntries([...baseline].map(([name, bytes]) => [name, Buffer.from(bytes)]));
    const addresses = { join: '127.0.0.1:1', gateway: '127.0.0.1:1' };
    const caCertificate = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';
    const [schema, host, token] = ['keyturn.enrolment/v1' as const, 'devhost-1', 'A'.repeat(43)];
    writeFileSync(path, encodeEnrolmentBundle({ schema, host, addresses, caCertificate, token, trust }));
    return path;
  }

  /** Names in the state folder, without the lock that every agent takes. */
  names(): string[] {
    return existsSync(this.state) ? readdirSync(this.state).filter((name) => name !== 'agent.lock') : [];
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface EndRow {
  readonly given?: (place: Place) => void;
  readonly words: (place: Place) => readonly string[];
  readonly code: number;
  readonly says: RegExp;
}

const ENDS: Record<string, EndRow> = {
  'help ends well': { words: () => ['--help'], code: 0, says: /Usage: keyturn-agent/ },
  'the version ends well': { words: () => ['--version'], code: 0, says: /^\d+\.\d+\.\d+\n$/ },
  'a command that there is not is a wrong usage': {
    words: () => ['enable'],
    code: 64,
    says: /unknown command 'enable'/,
  },
  'an option that there is not is a wrong usage': { words: () => ['status', '--open'], code: 64, says: /--open/ },
  'an enrolment without a bundle is a wrong usage': {
    words: () => ['enrol', '--install-root', '/opt'],
    code: 64,
    says: /missing.*bundle/,
  },
  'an enrolment without an install root is a wrong usage': {
    words: (place) => ['enrol', place.bundle()],
    code: 64,
    says: /--install-root/,
  },
  'a label without a value is a wrong usage': {
    words: (place) => ['enrol', place.bundle(), '--install-root', '/opt/dot', '--label', 'env'],
    code: 64,
    says: /label "env": expected KEY=VALUE/,
  },
  'a label with two values is a wrong usage': {
    words: (place) => ['enrol', place.bundle(), '--install-root', '/opt/dot', '--label', 'env=prod', 'env=dev'],
    code: 64,
    says: /label "env": expected one value, got several/,
  },
  'a bundle that is not there is a wrong usage': {
    words: ({ folder }) => ['enrol', join(folder, 'nowhere'), '--install-root', '/opt/dot'],
    code: 64,
    says: /^keyturn-agent: bundle ".*nowhere": there is no such file\n$/,
  },
  'a bundle that is a folder is a wrong usage': {
    words: ({ folder }) => ['enrol', folder, '--install-root', '/opt/dot'],
    code: 64,
    says: /^keyturn-agent: bundle ".*": expected a file, got a folder or a device\n$/,
  },
  'a command that is nearly one gets a proposal': {
    words: () => ['enroll', 'x'],
    code: 64,
    says: /^keyturn-agent: unknown command 'enroll'\nhint: did you mean enrol\?\n$/,
  },
  'no command at all is a wrong usage, and is told what there is': {
    words: () => [],
    code: 64,
    says: /Usage: keyturn-agent/,
  },
  'a bundle that is none is refused': {
    given: ({ folder }) => writeFileSync(join(folder, 'bundle.json'), '{}'),
    words: ({ folder }) => ['enrol', join(folder, 'bundle.json'), '--install-root', '/opt/dot'],
    code: 77,
    says: /\[enrolment-bundle-malformed\]\nhint: make a new one/,
  },
  'a relative install root is refused': {
    words: (place) => ['enrol', place.bundle(), '--install-root', 'opt'],
    code: 77,
    says: /\[agent-config-malformed\]/,
  },
  'a control plane that is out of reach is in the way': {
    words: (place) => ['enrol', place.bundle(), '--install-root', '/opt/dot'],
    code: 69,
    says: /keyturn-agent: failed to/,
  },
  'the status of a host that is not enrolled is refused': {
    words: () => ['status'],
    code: 77,
    says: /\[not-enrolled\]\nhint: enrol this host/,
  },
  'an agent on a host that is not enrolled is refused': {
    words: () => ['run'],
    code: 77,
    says: /\[not-enrolled\]\nhint: enrol this host/,
  },
  'P3: an agent whose journal is gone is refused': {
    given: (place) => {
      place.enrol();
      for (const name of place.names()) if (name.startsWith('journal')) rmSync(join(place.state, name));
    },
    words: () => ['run'],
    code: 77,
    says: /\[journal-missing\]\nhint: execution stays closed, and nothing was deleted/,
  },
  'P3: an agent whose journal is damaged is refused': {
    given: (place) => {
      place.enrol();
      writeFileSync(join(place.state, 'journal.sqlite'), 'lost+found '.repeat(1000));
    },
    words: () => ['run'],
    code: 77,
    says: /\[journal-corrupt\]\nhint: execution stays closed, and nothing was deleted/,
  },
  'a secret without a name is a wrong usage': { words: () => ['secret'], code: 64, says: /missing.*name/ },
  'a secret whose name is a path is refused': {
    words: () => ['secret', '../identity/tls.pem'],
    code: 77,
    says: /\[secret-name-malformed\]/,
  },
  'a secret without content is refused': { words: () => ['secret', 'dsn'], code: 77, says: /\[secret-empty\]/ },
};

describe('keyturn-agent', function () {
  this.timeout(60_000);
  const ended = new Map<string, Ended & { readonly before: readonly string[]; readonly after: readonly string[] }>();
  let place: Place;

  before(async () => {
    await forEachInParallel(Object.entries(ENDS), { width: 3 }, async ([title, { given, words }]) => {
      using own = new Place();
      given?.(own);
      const before = own.names();
      const end = await own.run(words(own));
      ended.set(title, { ...end, before, after: own.names() });
    });
  });
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place[Symbol.dispose]());

  it('ends in at least twenty-two ways', () => {
    expect(ended.size).to.be.at.least(22);
  });

  for (const [title, { code, says }] of Object.entries(ENDS)) {
    it(`${title}: exit ${code}`, () => {
      const end = ended.get(title);
      expect(end?.code, end?.stderr).to.equal(code);
      expect(code === 0 ? end?.stdout : end?.stderr).to.match(says);
      if (code === 77) expect(end?.after).to.deep.equal(end?.before);
      expect(end?.after.includes('agent.json')).to.equal(end?.before.includes('agent.json'));
    });
  }

  for (const [title, typed, stored] of [
    [
      'that was typed, without its line end',
      'postgresql://reader@localhost/prod\n',
      'postgresql://reader@localhost/prod',
    ],
    ['that a tool of another system wrote, without its line end', 'token\r\n', 'token'],
    [
      'of several lines, but for the last line end',
      '-----BEGIN-----\nx\n-----END-----\n\n',
      '-----BEGIN-----\nx\n-----END-----\n',
    ],
    ['of bytes', '\x00\x01\n\x02', '\x00\x01\n\x02'],
  ] as const) {
    it(`P7: stores a secret ${title}, and says nothing of it`, async () => {
      expect(await place.run(['secret', 'dsn'], typed)).to.deep.equal({ code: 0, stdout: '', stderr: '' });
      const path = join(place.state, 'secrets', 'dsn');
      expect(readFileSync(path, 'latin1')).to.equal(stored);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
    });
  }

  it('P7: a secret that is too large is refused, and nothing of it is stored', async () => {
    const ended = await place.run(['secret', 'dsn'], Buffer.alloc(LIMITS.secretBytes + 1, 'x'));
    expect(ended.code).to.equal(77);
    expect(existsSync(join(place.state, 'secrets', 'dsn'))).to.equal(false);
  });

  it('P3: tells the status of a host while its agent runs; a second agent is refused; a stop ends it at once', async () => {
    place.enrol();
    const agent = place.start(['run']);
    const output = collect(agent);
    const closed = once(agent, 'close');
    try {
      await whenSaid(agent, output, 'agent ready: devhost-1');
      const { code, stdout } = await place.run(['status']);
      expect(code).to.equal(0);
      expect(JSON.parse(stdout)).to.deep.include({
        host: 'devhost-1',
        gateway: '127.0.0.1:1',
        labels: { env: 'prod' },
        runs: [],
        outbox: 0,
        executionGates: [],
      });
      const second = await place.run(['run']);
      expect(second.code).to.equal(77);
      expect(second.stderr).to.match(/another agent runs on ".*state" \[agent-running\]\nhint: stop it first/);
    } finally {
      agent.kill('SIGTERM');
    }
    const [code] = await closed;
    expect(code, output().stderr).to.equal(0);
    const again = place.start(['run']);
    await whenSaid(again, collect(again), 'agent ready');
    const [, signal] = await killed(again);
    expect(signal).to.equal('SIGKILL');
    const third = place.start(['run']);
    await whenSaid(third, collect(third), 'agent ready');
    await killed(third);
  });

  it('reads the folder from --state before the environment', async () => {
    place.enrol();
    const elsewhere = join(place.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const ended = await place.run(['--state', elsewhere, 'status']);
    expect(ended.code).to.equal(77);
    expect(ended.stderr).to.include(elsewhere);
  });
});

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  return () => output;
}

function whenSaid(child: ChildProcess, output: () => { stdout: string; stderr: string }, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (output().stdout.includes(text)) resolve();
    };
    child.stdout?.on('data', look);
    child.once('close', () => reject(new Error(`it ended before it said "${text}": ${output().stderr}`)));
    look();
  });
}

async function killed(child: ChildProcess): Promise<unknown[]> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  return await exit;
}
