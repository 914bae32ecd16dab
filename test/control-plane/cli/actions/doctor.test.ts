/** `keyturn doctor` on real homes with a real control plane, each broken in one way. */
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createAuthority, openAuthority } from '../../../../control-plane/authority/authority-files.ts';
import type { Home } from '../../../../control-plane/cli/home.ts';
import { issueOperator } from '../../../../control-plane/service.ts';
import type { Role } from '../../../../shared/rpc/peer-identity.ts';
import type { Diagnosis, Examined, Level } from '../../../../shared/service/doctor/examination.ts';
import { systemClock } from '../../../../shared/time/clock.ts';
import { FakeClock } from '../../../../shared/time/fake-clock.ts';
import { generateKey, saveKey } from '../../../../shared/trust/keys.ts';
import {
  createRoot,
  createSnapshot,
  createTargets,
  keyholdersOf,
  releasersOf,
} from '../../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../../shared/trust/tuf-rules.ts';
import { CommandWorld, documentOf, type Ended, keyturn, silentServer } from '../../../support/command-line.ts';
import { assertTypable } from '../../../support/mending-command.ts';
import { asNobody } from '../../../support/nobody.ts';
import { talkTo } from '../../../support/pseudo-terminal.ts';
import { skipAloud } from '../../../support/skip.ts';

const MAIN = fileURLToPath(import.meta.resolve('../../../../control-plane/cli/main.ts'));
const DAY_MS = 24 * 3600 * 1000;
const ROLES: readonly Role[] = ['viewer', 'operator', 'releaser'];

interface Place {
  /** A copy that belongs to the row alone. */
  readonly home: Home;
  readonly world: CommandWorld;
  /** Closed when the row is done. */
  readonly onEnd: (close: () => void) => void;
}

interface Row {
  readonly given: (place: Place) => void | Promise<void>;
  readonly examination: string;
  readonly level: Level;
  readonly statement: RegExp;
  /** What follows `keyturn --home HOME`, or the whole of another command; none where there is none. */
  readonly mend?: string | ((home: Home) => string);
}

const ROWS: Record<string, Row> = {
  'others can look into the home': {
    given: ({ home }) => chmodSync(home.folder, 0o755),
    examination: 'home',
    level: 'warning',
    statement: /expected mode 0700, got 0755$/,
    mend: ({ folder }) => `chmod 700 ${folder}`,
  },
  'others can write to the home': {
    given: ({ home }) => chmodSync(home.folder, 0o777),
    examination: 'home',
    level: 'trouble',
    statement: /expected mode 0700, got 0777$/,
    mend: ({ folder }) => `chmod 700 ${folder}`,
  },
  'others can read a key': {
    given: ({ home }) => chmodSync(join(home.folder, 'keys/root/2.pem'), 0o644),
    examination: 'keys',
    level: 'trouble',
    statement: /keys\/root\/2\.pem: expected mode 0600, got 0644$/,
    mend: ({ folder }) => `chmod 600 ${folder}/keys/root/2.pem`,
  },
  'a key file holds no key': {
    given: ({ home }) => writeFileSync(join(home.folder, 'keys/targets/1.pem'), 'lost+found'),
    examination: 'keys',
    level: 'trouble',
    statement: /keys\/targets\/1\.pem: no key can be read: /,
  },
  'the key of the authority is open to others': {
    given: ({ home }) => chmodSync(join(home.controlPlane, 'authority/ca-key.pem'), 0o640),
    examination: 'keys',
    level: 'trouble',
    statement: /ca-key\.pem: expected mode 0600, got 0640$/,
    mend: ({ controlPlane }) => `chmod 600 ${controlPlane}/authority/ca-key.pem`,
  },
  'root keys are not encrypted': {
    given: () => undefined,
    examination: 'keys',
    level: 'warning',
    statement: /^root: 3 keys not encrypted, whoever copies them can sign: 1\.pem, 2\.pem, 3\.pem$/,
    mend: 'trust rotate root',
  },
  'one release key of two is not encrypted': {
    given: ({ home }) => saveKey(join(home.folder, 'keys/release-cutter/2.pem'), generateKey(), 'a long passphrase'),
    examination: 'keys',
    level: 'warning',
    statement: /^release-cutter: 1 key not encrypted, whoever copies it can sign: 1\.pem$/,
    mend: 'trust add-releaser cutter',
  },
  'all snapshot keys are encrypted': {
    given: ({ home }) => saveKey(join(home.folder, 'keys/snapshot/1.pem'), generateKey(), 'a long passphrase'),
    examination: 'keys',
    level: 'ok',
    statement: /^snapshot: 1 key, encrypted$/,
  },
  'there is no key on this machine': {
    given: ({ home }) => {
      rmSync(join(home.folder, 'keys'), { recursive: true });
      rmSync(home.controlPlane, { recursive: true });
    },
    examination: 'keys',
    level: 'ok',
    statement: /^there is no private key on this machine$/,
  },
  'the root is in the last quarter of its year': {
    given: ({ home }) => pinRoot(home, 80),
    examination: 'trust',
    level: 'warning',
    statement: /^root: expires in 79 days, at /,
    mend: 'trust rotate root',
  },
  'the root has expired': {
    given: ({ home }) => pinRoot(home, -2),
    examination: 'trust',
    level: 'trouble',
    statement: /^root: expired 2 days ago, at /,
    mend: 'trust rotate root',
  },
  'the targets have expired, and nobody publishes others': {
    given: ({ home }) => {
      dialNobody(home);
      pinTargets(home, -1);
    },
    examination: 'trust',
    level: 'trouble',
    statement: /^targets: expired 24 hours ago, at /,
    mend: 'trust rotate targets',
  },
  'the snapshot nearly has, and nobody publishes another': {
    given: ({ home }) => {
      dialNobody(home);
      pinSnapshot(home, 3);
    },
    examination: 'trust',
    level: 'warning',
    statement: /^snapshot: expires in 2 days, at /,
    mend: 'trust rotate snapshot',
  },
  'the targets that were seen here have expired, and others are published': {
    given: ({ home }) => pinTargets(home, -1),
    examination: 'trust',
    level: 'ok',
    statement: /^targets: until .*, 364 days from now$/,
  },
  'the freshness of what is published cannot be seen': {
    given: ({ home }) => dialNobody(home),
    examination: 'trust',
    level: 'warning',
    statement: /^as seen here last; what is published is not examined: the control plane does not answer$/,
  },
  'the pinned root is damaged': {
    given: ({ home }) => writeFileSync(join(home.folder, 'trust/root.json'), '{"signed":{}}'),
    examination: 'trust',
    level: 'trouble',
    statement: /^the pinned root cannot be read: /,
  },
  'the pinned root is of another ceremony': {
    given: async ({ home, world, onEnd }) => {
      const other = new CommandWorld();
      onEnd(() => rmSync(other.folder, { recursive: true }));
      await other.keyturn('init', '--app', 'other', '--no-passphrase');
      writeFileSync(join(home.folder, 'trust/root.json'), readFileSync(join(other.home.folder, 'trust/root.json')));
      expect(world.home.exists()).to.equal(true);
    },
    examination: 'trust',
    level: 'trouble',
    statement: /^failed to refresh trust: /,
  },
  'a certificate is in the last quarter of its life': {
    given: ({ home }) => giveCertificate(home, { days: -80 }),
    examination: 'certificates',
    level: 'warning',
    statement: /^viewer: expires in \d+ days, at /,
    mend: ({ folder }) =>
      `keyturn --home ${folder} operator issue an --role viewer --out ${folder}/operators/viewer.json`,
  },
  'a certificate has expired': {
    given: ({ home }) => giveCertificate(home, { days: -91 }),
    examination: 'certificates',
    level: 'trouble',
    statement: /^viewer: expired \d+ hours ago, at /,
    mend: ({ folder }) =>
      `keyturn --home ${folder} operator issue an --role viewer --out ${folder}/operators/viewer.json`,
  },
  'a certificate has expired, and the control plane is on another machine': {
    given: async ({ home }) => {
      await giveCertificate(home, { days: -91 });
      rmSync(home.controlPlane, { recursive: true });
    },
    examination: 'certificates',
    level: 'trouble',
    statement: /^viewer: expired \d+ hours ago, at /,
  },
  'the control plane does not let an expired certificate in': {
    given: ({ home }) => giveCertificate(home, { days: -91 }),
    examination: 'control plane',
    level: 'trouble',
    statement:
      /^the viewer is not let in: .*; whoever runs the control plane issues a new one with keyturn operator issue$/,
  },
  'the control plane lets the others in all the same': {
    given: ({ home }) => giveCertificate(home, { days: -91 }),
    examination: 'control plane',
    level: 'ok',
    statement: /^the operator is let in$/,
  },
  'a certificate is open to others': {
    given: ({ home }) => chmodSync(join(home.folder, 'operators/operator.json'), 0o640),
    examination: 'certificates',
    level: 'trouble',
    statement: /operator\.json: expected mode 0600, got 0640$/,
    mend: ({ folder }) => `chmod 600 ${folder}/operators/operator.json`,
  },
  'a certificate file is malformed': {
    given: ({ home }) => writeFileSync(join(home.folder, 'operators/releaser.json'), '{}'),
    examination: 'certificates',
    level: 'trouble',
    statement: /releaser\.json": expected address, certificate, privateKey and caCertificate as JSON/,
  },
  'a certificate stands beside the key of another': {
    given: ({ home }) => {
      const { privateKey } = home.loadOperator('operator');
      home.saveOperator('viewer', { ...home.loadOperator('viewer'), privateKey });
    },
    examination: 'certificates',
    level: 'trouble',
    statement: /^viewer: the private key is not that of its certificate$/,
  },
  'there is no certificate': {
    given: ({ home }) => rmSync(join(home.folder, 'operators'), { recursive: true }),
    examination: 'certificates',
    level: 'warning',
    statement: /^there is no client certificate: /,
  },
  'without a certificate no control plane is asked': {
    given: ({ home }) => rmSync(join(home.folder, 'operators'), { recursive: true }),
    examination: 'control plane',
    level: 'warning',
    statement: /^not examined: there is no client certificate/,
  },
  'the control plane serves': {
    given: () => undefined,
    examination: 'control plane',
    level: 'ok',
    statement: /^health: serving, one round trip in \d+\.\d ms$/,
  },
  'nobody listens': {
    given: ({ home }) => dialNobody(home),
    examination: 'control plane',
    level: 'trouble',
    statement: /^127\.0\.0\.1:1: the connection is refused, nobody listens there /,
    mend: 'serve',
  },
  'nobody listens, and the control plane is on another machine': {
    given: ({ home }) => {
      dialNobody(home);
      rmSync(home.controlPlane, { recursive: true });
    },
    examination: 'control plane',
    level: 'trouble',
    statement: /the connection is refused/,
    mend: () => 'keyturn serve',
  },
  'somebody listens and never says a word': {
    given: async ({ home, onEnd }) => {
      const { address, close } = await silentServer();
      onEnd(close);
      dial(home, address);
    },
    examination: 'control plane',
    level: 'trouble',
    statement: /the connection is taken, and then nothing is said \(no answer within 1000 ms\)$/,
    mend: 'serve',
  },
  'what nobody answers is not waited for twice': {
    given: async ({ home, onEnd }) => {
      const { address, close } = await silentServer();
      onEnd(close);
      dial(home, address);
    },
    examination: 'hosts',
    level: 'warning',
    statement: /^not examined: the control plane does not answer$/,
  },
  'somebody listens who does not speak TLS': {
    given: async ({ home, onEnd }) => {
      const server = createServer((socket) => socket.end('220 mail.example.org ready\r\n'));
      onEnd(() => server.close());
      dial(home, await addressOf(server));
    },
    examination: 'control plane',
    level: 'trouble',
    statement: /somebody listens there who does not speak TLS/,
  },
  'the address is no name that is known': {
    given: ({ home }) => dial(home, 'nowhere.invalid:7443'),
    examination: 'control plane',
    level: 'trouble',
    statement: /^nowhere\.invalid:7443: no such host name/,
  },
  'the control plane is of another authority': {
    given: async ({ home }) => {
      const { caCertificate } = await createAuthority(join(home.folder, 'other-authority'), systemClock);
      for (const role of ROLES) home.saveOperator(role, { ...home.loadOperator(role), caCertificate });
    },
    examination: 'control plane',
    level: 'trouble',
    statement: /its certificate is of another authority: it is the control plane of another ceremony/,
  },
  'a certificate was revoked': {
    given: async ({ home, world }) => {
      const name = 'somebody-who-left';
      home.saveOperator('viewer', {
        address: home.loadOperator('viewer').address,
        ...(await certificateOf(world.home, name)),
      });
      await world.publisher('operator').client.revokeOperator({ name, serial: '' });
    },
    examination: 'control plane',
    level: 'trouble',
    statement: /^the viewer is not let in: its certificate is revoked; whoever runs the control plane issues a new one/,
  },
  'a certificate is of the authority, and was never issued': {
    given: async ({ home, world }) => {
      const authority = await openAuthority(join(world.home.controlPlane, 'authority'), systemClock);
      const { certificate, privateKey, caCertificate } = await authority.issueOperatorCertificate('forged', 'viewer');
      const { address } = home.loadOperator('viewer');
      home.saveOperator('viewer', { address, certificate, privateKey, caCertificate });
    },
    examination: 'control plane',
    level: 'trouble',
    statement: /^the viewer is not let in: this control plane has never issued its certificate; /,
  },
  'a host has a token and has never joined': {
    given: async ({ world }) => {
      await world.publisher('operator').client.createJoinToken({ host: 'web-1', lifetimeMs: 60_000 });
    },
    examination: 'hosts',
    level: 'warning',
    statement: /^web-1: has never joined$/,
    mend: 'host token web-1',
  },
  'nothing is published yet': {
    given: () => undefined,
    examination: 'releases',
    level: 'ok',
    statement: /^none is published$/,
  },
  'the disk has room': {
    given: () => undefined,
    examination: 'disk',
    level: 'ok',
    statement: /: \d+\.\d GiB and \d+ inodes free$/,
  },
};

describe('keyturn doctor', function () {
  this.timeout(60_000);
  let world: CommandWorld;
  let copies = 0;

  before(async () => {
    world = await CommandWorld.started();
    // What this machine has seen once, so that there is something to grow old.
    await world.keyturn('trust', 'show');
  });
  after(() => world[Symbol.asyncDispose]());

  it('is tried with at least thirty-five homes', () => expect(Object.keys(ROWS)).to.have.length.of.at.least(35));

  for (const [title, { given, examination, level, statement, mend }] of Object.entries(ROWS)) {
    it(`finds ${level} where ${title}, and changes nothing`, async () => {
      await using closers = new AsyncDisposableStack();
      copies += 1;
      const home = world.copyOfHome(`home-${copies}`);
      chmodSync(home.folder, 0o700);
      await given({ home, world, onEnd: (close) => closers.defer(close) });
      const before = onDisk(home.folder);
      const ended = await keyturn('--home', home.folder, '--json', 'doctor');
      expect(onDisk(home.folder)).to.deep.equal(before);
      const diagnoses = diagnosesOf(ended, examination);
      const found = diagnoses.find((diagnosis) => diagnosis.level === level && statement.test(diagnosis.statement));
      expect(found, JSON.stringify(diagnoses, null, 1)).to.not.equal(undefined);
      expect(found?.mend).to.equal(typeof mend === 'string' ? `keyturn --home ${home.folder} ${mend}` : mend?.(home));
      expectTruth(ended);
    });
  }

  it('prints a table, without colours where there is no terminal', async () => {
    const { stdout, stderr, exitCode } = await world.keyturn('doctor');
    expect(exitCode, stdout).to.equal(0);
    expect(stderr).to.equal('');
    expect(stdout)
      .to.match(/^runtime {8}ok {7}Node v24\./)
      .and.match(/\n\n\d+ warnings\n$/);
    expect(stdout).to.not.include('\u001b');
  });

  it('says where there is no home how one is made, and is no defect', async () => {
    const folder = world.at('no home');
    const { exitCode, stdout, stderr } = await keyturn('--home', folder, 'doctor');
    expect(exitCode).to.equal(69);
    expect(stderr).to.equal('');
    expect(stdout).to.include(`mend: keyturn --home '${folder}' init --app NAME\n`);
    expect(stdout).to.include('not examined without a home');
    assertTypable(`keyturn --home '${folder}' init --app NAME`);
  });

  it('says the same of a folder that is none of ours, and of a file', async () => {
    mkdirSync(world.at('folder'));
    writeFileSync(world.at('file'), '');
    for (const [name, actual] of [
      ['folder', 'there is no trust/root.json in it'],
      ['file', 'there is no trust/root.json in it'],
    ] as const) {
      const ended = await keyturn('--home', world.at(name), '--json', 'doctor');
      const [found] = diagnosesOf(ended, 'home');
      expect(found).to.deep.include({ level: 'trouble', statement: `${world.at(name)}: ${actual}` });
      expectTruth(ended);
    }
  });

  it('misses git only where releases would be built', () => {
    const ended = spawnSync(process.execPath, [MAIN, '--home', world.at('none'), '--json', 'doctor'], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    });
    expect(ended.status, ended.stderr).to.equal(69);
    const { examinations } = JSON.parse(ended.stdout) as { examinations: Examined[] };
    expect(examinations.find(({ name }) => name === 'git')?.diagnoses).to.deep.equal([
      { level: 'warning', statement: 'there is no git on PATH: releases cannot be built here' },
    ]);
  });

  it('says of a home that is closed to whoever asks who may', function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'only root can ask as another user');
    const [program, ...argv] = asNobody([process.execPath, MAIN, '--home', world.home.folder, '--json', 'doctor']);
    const ended = spawnSync(program, argv, { encoding: 'utf8', cwd: '/' });
    expect(ended.status, ended.stderr).to.equal(69);
    const { examinations } = JSON.parse(ended.stdout) as { examinations: Examined[] };
    const [found] = examinations.find(({ name }) => name === 'home')?.diagnoses ?? [];
    expect(found?.level).to.equal('trouble');
    expect(found?.statement).to.match(/permission denied|EACCES|failed to look into/);
  });

  it('colours the levels on a terminal', () => {
    const { exitCode, screen } = talkTo([MAIN, '--home', world.at('none'), 'doctor'], []);
    expect(exitCode).to.equal(69);
    expect(screen).to.include('\u001b[32mok     \u001b[0m').and.include('\u001b[31mtrouble\u001b[0m');
  });

  it('loads neither gRPC nor the trust client nor the X.509 library where there is no home', () => {
    const trace = `data:text/javascript,${encodeURIComponent(`
      import { registerHooks } from 'node:module';
      import { writeSync } from 'node:fs';
      registerHooks({ load(url, context, next) { writeSync(2, url + '\\n'); return next(url, context); } });
    `)}`;
    const argv = ['--import', trace, MAIN, '--home', world.at('none'), 'doctor'];
    const { stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    expect(stderr).to.include('/cli/doctor/home-folder.ts');
    expect(stderr).to.not.match(/@grpc|tuf-js|@peculiar|better-sqlite3|protobufjs/);
  });

  it('says in its help how it ends', async () => {
    const { stdout } = await keyturn('doctor', '--help');
    expect(stdout).to.match(/Exit codes: 0 when nothing is in trouble.*69 when something is/);
  });
});

/** One document whose counts are right, an exit code that follows from it, and commands that can be typed. */
function expectTruth(ended: Ended): void {
  const { examinations, troubleCount, warningCount } = documentOf<{
    examinations: Examined[];
    troubleCount: number;
    warningCount: number;
  }>(ended);
  const all = examinations.flatMap(({ diagnoses }) => diagnoses);
  expect(all.filter(({ level }) => level === 'trouble')).to.have.length(troubleCount);
  expect(all.filter(({ level }) => level === 'warning')).to.have.length(warningCount);
  expect(ended.exitCode).to.equal(troubleCount > 0 ? 69 : 0);
  expect(ended.stderr).to.equal('');
  for (const { mend } of all) if (mend !== undefined) assertTypable(mend);
}

function diagnosesOf(ended: Ended, examination: string): readonly Diagnosis[] {
  const { examinations } = documentOf<{ examinations: Examined[] }>(ended);
  return examinations.find(({ name }) => name === examination)?.diagnoses ?? [];
}

/** Names, modes, times and contents. */
function onDisk(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mode, mtimeMs } = lstatSync(path);
      return [path, `${mode} ${mtimeMs} ${entry.isFile() ? readFileSync(path, 'base64') : ''}`];
    }),
  );
}

function dial(home: Home, address: string): void {
  for (const role of ROLES) home.saveOperator(role, { ...home.loadOperator(role), address });
}

function dialNobody(home: Home): void {
  dial(home, '127.0.0.1:1');
}

async function addressOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function certificateOf(home: Home, name: string, clock = new FakeClock(Date.now())) {
  const issued = await issueOperator(home.controlPlane, { name, role: 'viewer' }, clock);
  const { certificate, privateKey, caCertificate } = issued;
  return { certificate, privateKey, caCertificate };
}

/** One for the viewer that was issued so many days from now; its authority and its store are those of the copy. */
async function giveCertificate(home: Home, { days }: { days: number }): Promise<void> {
  const { address } = home.loadOperator('viewer');
  const certificate = await certificateOf(home, 'an', new FakeClock(Date.now() + days * DAY_MS));
  home.saveOperator('viewer', { address, ...certificate });
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

function trusted(home: Home, role: string): Uint8Array {
  return home.loadTrust().get(`${role}.json`) ?? Buffer.alloc(0);
}

/** The same root with another end, signed by the same keys. */
function pinRoot(home: Home, days: number): void {
  const { signed } = checkMetadata('root', trusted(home, 'root'));
  const roles = {
    root: keyholdersOf(signed, 'root'),
    targets: keyholdersOf(signed, 'targets'),
    snapshot: keyholdersOf(signed, 'snapshot'),
    timestamp: keyholdersOf(signed, 'timestamp'),
  };
  const root = createRoot(roles, { expiresAt: inDays(days), signers: home.loadKeys('root', undefined) });
  home.saveTrust(new Map([['root.json', root]]));
}

function pinTargets(home: Home, days: number): void {
  const { signed } = checkMetadata('targets', trusted(home, 'targets'));
  const listed = signed.targets['policy.json'];
  if (listed === undefined) throw new Error('there is no policy');
  const policy = { length: listed.length, sha256: listed.hashes.sha256 };
  const signing = { expiresAt: inDays(days), signers: home.loadKeys('targets', undefined) };
  home.saveTrust(new Map([['targets.json', createTargets({ policy, releasers: releasersOf(signed) }, signing)]]));
}

function pinSnapshot(home: Home, days: number): void {
  const targets = trusted(home, 'targets');
  const signing = { expiresAt: inDays(days), signers: home.loadKeys('snapshot', undefined) };
  home.saveTrust(new Map([['snapshot.json', createSnapshot(undefined, new Map([['targets', targets]]), signing)]]));
}
