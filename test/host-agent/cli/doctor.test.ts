/** `keyturn-agent doctor` on real hosts that have joined a real control plane, each broken in one way. */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { createAuthority, openAuthority } from '../../../control-plane/authority/authority-files.ts';
import { type DoctorRequest, doctor } from '../../../host-agent/cli/doctor.ts';
import { type HostConfig, hostFolders, loadHostConfig, saveHostConfig } from '../../../host-agent/host/host-config.ts';
import { type JournalDatabase, openJournal } from '../../../host-agent/journal/journal.ts';
import { makeKeyWithRequest } from '../../../host-agent/link/certificate-request.ts';
import { IdentityStore } from '../../../host-agent/link/identity-store.ts';
import { detectSandbox } from '../../../host-agent/sandbox/sandbox.ts';
import { resetTrusted, saveVerifiedTarget } from '../../../host-agent/trust/metadata-store.ts';
import { sha256 } from '../../../shared/digest.ts';
import { sealEntry } from '../../../shared/ledger/entry.ts';
import { parseEnrolmentBundle } from '../../../shared/rpc/enrolment-bundle.ts';
import type { Diagnosis, Examined, Level } from '../../../shared/service/doctor/examination.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { POLICY_PATH } from '../../../shared/trust/policy.ts';
import { CommandWorld, silentServer } from '../../support/command-line.ts';
import { assertTypable } from '../../support/mending-command.ts';
import { talkTo } from '../../support/pseudo-terminal.ts';
import { WorldHost } from '../../support/world-host.ts';
import { KEYTURN_AGENT, runProgram } from '../../support/world-programs.ts';
import { SECRET, SECRET_NAME } from '../../support/world-release.ts';
import { policyBytes } from '../run/signed-world.ts';
import { TrustRoot } from '../run/trust-root.ts';
import { requireSandbox } from '../sandbox/sandbox-world.ts';

const HOST = 'web-1';
const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;
const LAUNCH_PROGRAMS = ['prlimit', 'setpriv', 'env'];

/** A copy of the host that belongs to the row alone. */
interface Place {
  readonly state: string;
  readonly installRoot: string;
  readonly world: CommandWorld;
  /** Closed when the row is done. */
  readonly onEnd: (close: () => void) => void;
}

interface Row {
  readonly given: (place: Place) => void | Promise<void>;
  readonly examination: string;
  readonly level: Level;
  readonly statement: RegExp;
  readonly mend?: string | ((place: Place) => string);
}

const ROWS: Record<string, Row> = {
  'nothing is wrong': {
    given: () => undefined,
    examination: 'enrolment',
    level: 'ok',
    statement: /^web-1, enrolled at 127\.0\.0\.1:\d+$/,
  },
  'the host is not enrolled': {
    given: ({ state }) => rmSync(join(state, 'agent.json')),
    examination: 'enrolment',
    level: 'trouble',
    statement: /: this host is not enrolled$/,
    mend: ({ state }) => `keyturn-agent --state ${state} enrol BUNDLE --install-root PATH`,
  },
  'the configuration is damaged': {
    given: ({ state }) => writeFileSync(join(state, 'agent.json'), '{'),
    examination: 'enrolment',
    level: 'trouble',
    statement: /^failed to read ".*agent\.json": /,
  },
  'others can look into the state folder': {
    given: ({ state }) => chmodSync(state, 0o755),
    examination: 'state folder',
    level: 'warning',
    statement: /: expected mode 0700, got 0755$/,
    mend: ({ state }) => `chmod 700 ${state}`,
  },
  'others can write to the state folder': {
    given: ({ state }) => chmodSync(state, 0o773),
    examination: 'state folder',
    level: 'trouble',
    statement: /: expected mode 0700, got 0773$/,
    mend: ({ state }) => `chmod 700 ${state}`,
  },
  'the journal is whole': {
    given: () => undefined,
    examination: 'journal',
    level: 'ok',
    statement: /^\d+\.\d KiB, whole$/,
  },
  'the journal is gone': {
    given: ({ state }) => rmSync(join(state, 'journal.sqlite')),
    examination: 'journal',
    level: 'trouble',
    statement: /^failed to open the journal in ".*": there is none \(execution stays closed, /,
  },
  'the journal is something else': {
    given: ({ state }) => writeFileSync(join(state, 'journal.sqlite'), 'lost+found '.repeat(1000)),
    examination: 'journal',
    level: 'trouble',
    statement: /file is not a database/,
  },
  'a page of the journal is damaged': {
    given: ({ state }) => damagePages(join(state, 'journal.sqlite')),
    examination: 'journal',
    level: 'trouble',
    statement: /^damaged: |malformed/,
  },
  'the journal is of another version': {
    given: ({ state }) => inJournal(state, (journal) => journal.pragma('user_version = 9')),
    examination: 'journal',
    level: 'trouble',
    statement: /expected version 3, got version 9/,
  },
  'the journal is larger than a doctor can read': {
    given: ({ state }) => truncateSync(join(state, 'journal.sqlite'), 300 * 1024 * 1024),
    examination: 'journal',
    level: 'warning',
    statement: /^300\.0 MiB: too large to be read here, /,
  },
  'what stands in a damaged journal is not judged': {
    given: ({ state }) => writeFileSync(join(state, 'journal.sqlite'), 'lost+found '.repeat(1000)),
    examination: 'clock',
    level: 'warning',
    statement: /^not examined: the journal cannot be read$/,
  },
  'the certificate is fresh': {
    given: () => undefined,
    examination: 'identity',
    level: 'ok',
    statement: /^certificate: until .*, 23 hours from now$/,
  },
  'the renewal of the certificate is due': {
    given: (place) => giveCertificate(place, { hours: -17 }),
    examination: 'identity',
    level: 'warning',
    statement: /^certificate: until .*; its renewal is due for \d+ minutes, the agent renews it while connected$/,
    mend: ({ state }) => `keyturn-agent --state ${state} run`,
  },
  'the certificate has expired': {
    given: (place) => giveCertificate(place, { hours: -26 }),
    examination: 'identity',
    level: 'trouble',
    statement: /^certificate: expired 2 hours ago, at .*; the bundle is of keyturn host token$/,
    mend: ({ state }) => `keyturn-agent --state ${state} enrol BUNDLE --install-root /opt/apps`,
  },
  'the certificate stands beside the key of another': {
    given: async ({ state }) => {
      const identity = identityOf(state);
      const { privateKey } = await makeKeyWithRequest(HOST);
      identity.saveTls({ certificate: identity.loadTls().certificate, privateKey });
    },
    examination: 'identity',
    level: 'trouble',
    statement: /^certificate: its private key is another$/,
    mend: ({ state }) => `keyturn-agent --state ${state} enrol BUNDLE --install-root /opt/apps`,
  },
  'the certificate is gone': {
    given: ({ state }) => rmSync(join(state, 'identity/tls.pem')),
    examination: 'identity',
    level: 'trouble',
    statement: /^failed to load the identity in ".*": there is none /,
  },
  'the ledger key is gone': {
    given: ({ state }) => rmSync(join(state, 'identity/ledger-key.pem')),
    examination: 'identity',
    level: 'trouble',
    statement: /ledger-key\.pem": there is no such file \(put it back from a copy; /,
  },
  'others can read the ledger key': {
    given: ({ state }) => chmodSync(join(state, 'identity/ledger-key.pem'), 0o644),
    examination: 'identity',
    level: 'trouble',
    statement: /ledger-key\.pem": expected mode 0600, got 0644$/,
    mend: ({ state }) => `chmod 600 ${state}/identity/ledger-key.pem`,
  },
  'the pinned root has expired': {
    given: ({ state }) => trustSince(state, { days: 31 }),
    examination: 'trust',
    level: 'trouble',
    statement: /^root: expired \d+ hours ago, at /,
    mend: 'keyturn trust rotate root',
  },
  'the trusted targets are near their end': {
    given: ({ state }) => trustSince(state, { days: 25 }),
    examination: 'trust',
    level: 'warning',
    statement: /^targets: expires in 4 days, at /,
    mend: 'keyturn trust rotate targets',
  },
  'the host has long seen no timestamp': {
    given: ({ state }) => trustSince(state, { days: 3 }),
    examination: 'trust',
    level: 'warning',
    statement: /^timestamp: expired 2 days ago, at .*; it is refreshed when a release is ordered$/,
  },
  'the timestamp is fresh': {
    given: () => undefined,
    examination: 'trust',
    level: 'ok',
    statement: /^timestamp: until .*, 59 minutes from now$/,
  },
  'the clock has run backwards': {
    given: ({ state }) => signEntry(state, Date.now() + 5 * HOUR_MS),
    examination: 'clock',
    level: 'trouble',
    statement: /^4 hours behind what this host signed at .*: it has run backwards$/,
    mend: 'timedatectl set-ntp true',
  },
  'the clock is ahead of what was signed': {
    given: ({ state }) => signEntry(state, Date.now() - 5 * HOUR_MS),
    examination: 'clock',
    level: 'ok',
    statement: /, not behind anything that was signed$/,
  },
  'the clock is far behind that of the control plane': {
    given: ({ state }) => trustSince(state, { days: -3 }),
    examination: 'clock',
    level: 'trouble',
    statement: /^\d+ (days|hours) behind the control plane's, or its timestamps live longer than the policy allows$/,
    mend: 'timedatectl set-ntp true',
  },
  'the install root has room': {
    given: () => undefined,
    examination: 'install roots',
    level: 'ok',
    statement: /root\/opt\/apps: \d+\.\d GiB and \d+ inodes free$/,
  },
  'the install root is not there': {
    given: ({ installRoot }) => rmSync(installRoot, { recursive: true }),
    examination: 'install roots',
    level: 'trouble',
    statement: /root\/opt\/apps: there is no such folder$/,
    mend: ({ installRoot }) => `mkdir -p ${installRoot}`,
  },
  'the install root is a file': {
    given: ({ installRoot }) => {
      rmSync(installRoot, { recursive: true });
      writeFileSync(installRoot, '');
    },
    examination: 'install roots',
    level: 'trouble',
    statement: /root\/opt\/apps: expected a folder$/,
  },
  'everybody can write to the install root': {
    given: ({ installRoot }) => chmodSync(installRoot, 0o777),
    examination: 'install roots',
    level: 'trouble',
    statement: /: everybody may write to it, its mode is 0777$/,
    mend: ({ installRoot }) => `chmod o-w ${installRoot}`,
  },
  "somebody else has put the agent's folder there": {
    given: ({ installRoot }) => mkdirSync(join(installRoot, '.keyturn'), { mode: 0o755 }),
    examination: 'install roots',
    level: 'trouble',
    statement: /\.keyturn: expected a folder of the agent's own with mode 0700; look at it first$/,
  },
  "the agent's folder there is on another file system": {
    given: ({ installRoot, onEnd }) => {
      const elsewhere = mkdtempSync('/dev/shm/keyturn-doctor-');
      onEnd(() => rmSync(elsewhere, { recursive: true }));
      symlinkSync(elsewhere, join(installRoot, '.keyturn'));
    },
    examination: 'install roots',
    level: 'trouble',
    statement: /\.keyturn: expected the file system of /,
  },
  'secrets are told by name and size': {
    given: () => undefined,
    examination: 'secrets',
    level: 'ok',
    statement: new RegExp(`^${SECRET_NAME}: ${SECRET.length} bytes$`),
  },
  'others can read a secret': {
    given: ({ state }) => chmodSync(join(state, 'secrets', SECRET_NAME), 0o644),
    examination: 'secrets',
    level: 'trouble',
    statement:
      /^failed to use secret "beacon_token": expected a file of user \d+ with mode 600, got one of user \d+ with mode 644$/,
    mend: ({ state }) =>
      `chown ${process.geteuid?.()} ${state}/secrets/${SECRET_NAME} && chmod 600 ${state}/secrets/${SECRET_NAME}`,
  },
  'a secret is empty': {
    given: ({ state }) => writeFileSync(join(state, 'secrets', 'token'), '', { mode: 0o600 }),
    examination: 'secrets',
    level: 'trouble',
    statement: /^failed to use secret "token": it has no byte$/,
    mend: ({ state }) => `keyturn-agent --state ${state} secret token`,
  },
  'a file among the secrets has a name that no plan can say': {
    given: ({ state }) => writeFileSync(join(state, 'secrets', 'Old Token~'), 'x', { mode: 0o600 }),
    examination: 'secrets',
    level: 'warning',
    statement: /^"Old Token~": no plan can ask for a secret of that name$/,
  },
  'others can look into the folder of secrets': {
    given: ({ state }) => chmodSync(join(state, 'secrets'), 0o755),
    examination: 'secrets',
    level: 'warning',
    statement: /secrets: expected mode 0700, got 0755$/,
    mend: ({ state }) => `chmod 700 ${state}/secrets`,
  },
  'there is no secret': {
    given: ({ state }) => rmSync(join(state, 'secrets'), { recursive: true }),
    examination: 'secrets',
    level: 'ok',
    statement: /^none is stored$/,
  },
  'the gateway answers': {
    given: () => undefined,
    examination: 'gateway',
    level: 'ok',
    statement: /^127\.0\.0\.1:\d+: the control plane of this host, its certificate until /,
  },
  'nobody listens at the gateway': {
    given: ({ state }) => configure(state, { gateway: '127.0.0.1:1' }),
    examination: 'gateway',
    level: 'trouble',
    statement: /^127\.0\.0\.1:1: the connection is refused, nobody listens there /,
    mend: 'keyturn serve',
  },
  'the gateway takes the connection and says nothing': {
    given: async ({ state, onEnd }) => {
      const { address, close } = await silentServer();
      onEnd(close);
      configure(state, { gateway: address });
    },
    examination: 'gateway',
    level: 'trouble',
    statement: /the connection is taken, and then nothing is said \(no answer within 1500 ms\)$/,
    mend: 'keyturn serve',
  },
  'the gateway is of another authority': {
    given: async ({ state, world }) => {
      const { caCertificate } = await createAuthority(world.at(`authority-${Math.random()}`), systemClock);
      identityOf(state).saveCa(caCertificate);
    },
    examination: 'gateway',
    level: 'trouble',
    statement: /its certificate is of another authority than this host joined/,
  },
  'the gateway does not take an expired certificate': {
    given: (place) => giveCertificate(place, { hours: -26 }),
    examination: 'gateway',
    level: 'trouble',
    statement: /it ends the connection when it sees this host's certificate/,
    mend: `keyturn host token ${HOST}`,
  },
};

describe('keyturn-agent doctor', function () {
  this.timeout(60_000);
  let world: CommandWorld;
  let host: WorldHost;
  let copies = 0;

  before(async () => {
    world = await CommandWorld.started();
    const { join: joining, gateway } = world.service.plane.addresses;
    const bundle = world.at('bundle');
    await world.keyturn('host', 'token', HOST, '--join', joining, '--gateway', gateway, '--out', bundle);
    host = new WorldHost(world.at('host'), HOST);
    await host.enrol(parseEnrolmentBundle(readFileSync(bundle)));
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  /** The whole host once more, with its own install root. */
  function copyOfHost(): { state: string; installRoot: string } {
    copies += 1;
    const folder = world.at(`host-${copies}`);
    cpSync(host.folder, folder, { recursive: true });
    const state = join(folder, 'agent');
    chmodSync(state, 0o700);
    chmodSync(join(state, 'secrets'), 0o700);
    const rootPrefix = join(folder, 'root');
    configure(state, { rootPrefix });
    return { state, installRoot: join(rootPrefix, 'opt/apps') };
  }

  it('is tried with at least forty hosts', () => expect(Object.keys(ROWS)).to.have.length.of.at.least(40));

  for (const [title, { given, examination, level, statement, mend }] of Object.entries(ROWS)) {
    it(`finds ${level} where ${title}, and changes nothing`, async () => {
      await using closers = new AsyncDisposableStack();
      const place: Place = { ...copyOfHost(), world, onEnd: (close) => closers.defer(close) };
      await given(place);
      const before = onDisk(join(place.state, '..'));
      const ended = await examined({ stateDirectory: place.state });
      expect(onDisk(join(place.state, '..'))).to.deep.equal(before);
      const diagnoses = ended.of(examination);
      const found = diagnoses.find((diagnosis) => diagnosis.level === level && statement.test(diagnosis.statement));
      expect(found, JSON.stringify(diagnoses, null, 1)).to.not.equal(undefined);
      expect(found?.mend).to.equal(typeof mend === 'function' ? mend(place) : mend);
      expect(ended.text).to.not.include(SECRET);
    });
  }

  it('takes the brackets of an address apart', async () => {
    const { state } = copyOfHost();
    configure(state, { gateway: '[::1]:1' });
    const [found] = (await examined({ stateDirectory: state })).of('gateway');
    // Which of the two, the network of this machine says.
    expect(found?.statement).to.match(/^\[::1\]:1: (the connection is refused|there is no way to it)/);
  });

  it('leaves nothing in the folder for temporary files', async () => {
    const { state } = copyOfHost();
    await examined({ stateDirectory: state });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('keyturn-doctor'))).to.deep.equal([]);
  });

  it('reads a journal that an agent has open, and disturbs nobody', async () => {
    const { state } = copyOfHost();
    using agent = new DisposableStack();
    const journal = agent.adopt(openJournal(state), (opened) => opened.close());
    signEntry(state, Date.now() + 5 * HOUR_MS, journal);
    const names = readdirSync(state).sort();
    const ended = await examined({ stateDirectory: state });
    expect(ended.of('clock')[0]?.level).to.equal('trouble');
    expect(readdirSync(state).sort()).to.deep.equal(names);
    journal.prepare('insert into outbox (bytes) values (?)').run(Buffer.from('goes on'));
  });

  describe('as a program', () => {
    it('prints a table and ends well', async () => {
      const { exitCode, stdout, stderr } = await runProgram(KEYTURN_AGENT, ['--state', host.stateDirectory, 'doctor']);
      expect([exitCode, stderr]).to.deep.equal([0, ''], stdout);
      expect(stdout)
        .to.match(/^enrolment {8}ok {7}web-1, enrolled at /)
        .and.to.not.include('\u001b');
    });

    it('prints one document, and ends with 69 when something is in trouble', async () => {
      const state = world.at('nothing here');
      const { exitCode, stdout, stderr } = await runProgram(KEYTURN_AGENT, ['--state', state, 'doctor', '--json']);
      expect([exitCode, stderr]).to.deep.equal([69, '']);
      expect(JSON.parse(stdout).examinations[0]).to.deep.equal({
        name: 'enrolment',
        diagnoses: [
          {
            level: 'trouble',
            statement: `${state}: this host is not enrolled`,
            mend: `keyturn-agent --state '${state}' enrol BUNDLE --install-root PATH`,
          },
          {
            level: 'warning',
            statement: 'not examined before that: journal, identity, trust, clock, install roots, secrets, gateway',
          },
        ],
      });
      expect(existsSync(state)).to.equal(false);
    });

    it('colours the levels on a terminal', () => {
      const { screen } = talkTo([KEYTURN_AGENT, '--state', world.at('nothing here'), 'doctor'], []);
      expect(screen).to.include('\u001b[31mtrouble\u001b[0m');
    });

    it('says in its help how it ends', async () => {
      const { stdout } = await runProgram(KEYTURN_AGENT, ['doctor', '--help']);
      expect(stdout).to.match(/Exit codes: 0 when nothing is in trouble.*69 when something is/);
    });
  });

  describe('about the sandbox', () => {
    const HOSTS: readonly { name: string; programs: readonly string[]; bwrap?: string; says: RegExp; mend?: RegExp }[] =
      [
        {
          name: 'has nothing',
          programs: [],
          says: /prlimit, setpriv or env is missing/,
          mend: /util-linux coreutils$/,
        },
        {
          name: 'has no bubblewrap',
          programs: LAUNCH_PROGRAMS,
          says: /^there is no bubblewrap: /,
          mend: / bubblewrap$/,
        },
        {
          name: 'has a bubblewrap that is too old',
          programs: LAUNCH_PROGRAMS,
          bwrap: 'echo bubblewrap 0.7.9',
          says: /^bubblewrap 0\.7\.9: expected >=0\.8\.0: /,
          mend: / bubblewrap$/,
        },
        {
          name: 'has something else by its name',
          programs: LAUNCH_PROGRAMS,
          bwrap: 'echo bubble tea 1.0.0',
          says: /bwrap does not tell its version: /,
        },
        {
          name: 'has a bubblewrap that may make no namespace',
          programs: LAUNCH_PROGRAMS,
          bwrap:
            '[ "$1" = --version ] && echo bubblewrap 0.11.0 || { echo No permissions to create namespace >&2; exit 1; }',
          says: /^bubblewrap 0\.11\.0 has confined nothing: /,
        },
      ];
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'keyturn-programs-'));
      chmodSync(folder, 0o755);
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('is tried with at least five hosts', () => expect(HOSTS).to.have.length.of.at.least(5));
    for (const { name, programs, bwrap, says, mend } of HOSTS) {
      for (const policy of ['demanded', 'optional'] as const) {
        const isFatal = policy === 'demanded' || programs.length === 0;
        it(`finds ${isFatal ? 'trouble' : 'a warning'} on a host that ${name} where it is ${policy}, as the agent does`, async () => {
          for (const program of programs) symlinkSync(`/usr/bin/${program}`, join(folder, program));
          if (bwrap !== undefined) writeFileSync(join(folder, 'bwrap'), `#!/bin/sh\n${bwrap}\n`, { mode: 0o755 });
          const { state } = copyOfHost();
          if (policy === 'optional')
            inJournal(state, (journal) => savePolicy(journal, policyBytes({ sandbox: 'optional' })));
          const [found] = (await examined({ stateDirectory: state, programFolders: [folder] })).of('sandbox');
          expect(found?.level, found?.statement).to.equal(isFatal ? 'trouble' : 'warning');
          expect(found?.statement).to.match(says);
          if (mend === undefined) expect(found?.mend).to.equal(undefined);
          else expect(found?.mend).to.match(mend);
          expect(await detectSandbox({ programFolders: [folder] })).to.equal(undefined);
        });
      }
    }

    it('runs a real process in a real one, and says what bounds it', async function () {
      await requireSandbox(this);
      const found = (await examined({ stateDirectory: host.stateDirectory })).of('sandbox');
      expect(found[0]?.statement).to.match(/^bubblewrap \d+\.\d+\.\d+ has confined a process$/);
      expect(found[1]?.statement).to.match(
        /^memory and processes: bounded for (a run as a whole, by cgroup-v[12]|each)/,
      );
      expect(found[2]?.statement).to.match(/^system calls: /);
    });
  });
});

/** The document of a doctor whose counts, exit code and commands are true. */
async function examined(request: Omit<DoctorRequest, 'form'>) {
  const { exitCode, text } = await doctor({ ...request, form: 'json' });
  const { examinations, troubleCount } = JSON.parse(text) as { examinations: Examined[]; troubleCount: number };
  const all = examinations.flatMap(({ diagnoses }) => diagnoses);
  expect(all.filter(({ level }) => level === 'trouble')).to.have.length(troubleCount);
  expect(exitCode).to.equal(troubleCount > 0 ? 69 : 0);
  for (const { mend } of all) if (mend !== undefined) assertTypable(mend);
  const of = (name: string): readonly Diagnosis[] => examinations.find((each) => each.name === name)?.diagnoses ?? [];
  return { of, text };
}

/** Names, modes, times and contents. */
function onDisk(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mode, mtimeMs, size } = lstatSync(path);
      const content = entry.isFile() && size < 1024 * 1024 ? readFileSync(path, 'base64') : '';
      return [path, `${mode} ${mtimeMs} ${size} ${content}`];
    }),
  );
}

function identityOf(state: string): IdentityStore {
  return new IdentityStore(hostFolders(state).identity);
}

function configure(state: string, change: Partial<HostConfig>): void {
  saveHostConfig(state, { ...loadHostConfig(state), ...change });
}

/** Issued so many hours from now by the authority that this host joined. */
async function giveCertificate({ state, world }: Place, { hours }: { hours: number }): Promise<void> {
  const clock = new FakeClock(Date.now() + hours * HOUR_MS);
  const authority = await openAuthority(join(world.home.controlPlane, 'authority'), clock);
  const { privateKey, csr } = await makeKeyWithRequest(HOST);
  const { certificate } = await authority.issueHostCertificate(csr, HOST);
  identityOf(state).saveTls({ certificate, privateKey });
}

function inJournal(state: string, change: (journal: JournalDatabase) => void): void {
  const journal = openJournal(state);
  try {
    change(journal);
  } finally {
    journal.close();
  }
}

/** As if this host had joined so many days ago, and had heard nothing since. */
function trustSince(state: string, { days }: { days: number }): void {
  const joinedAt = new Date(Date.now() - days * DAY_MS);
  const { baseline } = new TrustRoot({ now: joinedAt, policy: policyBytes() });
  inJournal(state, (journal) => {
    resetTrusted(journal, baseline, { adoptedAt: joinedAt });
    savePolicy(journal, policyBytes());
  });
}

function savePolicy(journal: JournalDatabase, bytes: Buffer): void {
  saveVerifiedTarget(journal, POLICY_PATH, { sha256: sha256(bytes), bytes });
}

/** The first entry of the ledger of a run. */
function signEntry(state: string, atMs: number, opened?: JournalDatabase): void {
  const at = new Date(atMs).toISOString();
  const { bytes } = sealEntry(
    undefined,
    { run: 'run-1', host: HOST, at },
    { type: 'phase-entered', from: 'admitted', to: 'preflight', reason: 'for a test' },
  );
  const write = (journal: JournalDatabase) => {
    journal.prepare("insert into runs (id, directive, state) values ('run-1', 1, '{}')").run();
    journal.prepare("insert into ledger_entries (run, seq, bytes) values ('run-1', 0, ?)").run(bytes);
  };
  if (opened) write(opened);
  else inJournal(state, write);
}

/** Every page behind the first; what the header says of the file stays true. */
function damagePages(path: string): void {
  const pageBytes = new Database(path, { readonly: true }).pragma('page_size', { simple: true }) as number;
  for (const name of ['-wal', '-shm']) rmSync(`${path}${name}`, { force: true });
  const bytes = readFileSync(path);
  bytes.fill(0x5a, pageBytes * 2);
  writeFileSync(path, bytes);
}
