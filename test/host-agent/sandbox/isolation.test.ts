import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProcessOutcome, SandboxSpec } from '../../../host-agent/sandbox/sandbox.ts';
import { skipAloud } from '../../support/skip.ts';
import { requireSandbox, SandboxWorld } from './sandbox-world.ts';

interface Surroundings {
  readonly world: SandboxWorld;
  readonly port: number;
}

interface Attack {
  readonly name: string;
  /** Python; prints `done` if the attack succeeded. */
  script(surroundings: Surroundings): string;
  readonly changes?: (surroundings: Surroundings) => Partial<SandboxSpec>;
  /** What the failed attempt said; not given where the attack has nothing to say. */
  readonly refusal?: RegExp;
  /** Files that must not exist on the host afterwards; that all others are unchanged is checked for each row. */
  readonly absent?: (surroundings: Surroundings) => string[];
}

const SECRET = 'correct horse battery';
const withSecret = () => ({ secrets: { token: Buffer.from(SECRET) } });

const ATTACKS: readonly Attack[] = [
  {
    name: 'writes into the installed tree, and the tree is as it was',
    script: () => "open('planted.py', 'w').write('x'); print('done')",
    refusal: /Read-only file system|Permission denied/,
    absent: ({ world }) => [join(world.tree, 'planted.py')],
  },
  {
    name: 'overwrites an installed file, and the file is as it was',
    script: () => "open('installed.txt', 'w').write('x'); print('done')",
    refusal: /Read-only file system|Permission denied/,
  },
  {
    name: 'writes to /etc, and nothing is there',
    script: () => "open('/etc/keyturn-planted', 'w'); print('done')",
    refusal: /Read-only file system|Permission denied/,
    absent: () => ['/etc/keyturn-planted'],
  },
  {
    name: 'writes to /tmp, which is its own, and nothing is in the host’s',
    script: () => "open('/tmp/keyturn-planted', 'w').write('x'); print('kept private')",
    absent: () => ['/tmp/keyturn-planted'],
  },
  ...['/run', '/var/tmp', '/home', '/root', '/dev'].map((folder) => ({
    name: `writes to ${folder}, and nothing is there`,
    script: () => `open('${folder}/keyturn-planted', 'w'); print('done')`,
    refusal: /Read-only file system|Permission denied/,
    absent: () => [`${folder}/keyturn-planted`],
  })),
  {
    name: 'reads a hidden folder beside the tree, and finds none',
    script: ({ world }) => `print(open('${world.state}/journal.db').read(), 'done')`,
    refusal: /No such file/,
  },
  {
    name: 'reads a hidden folder inside the tree, and finds it empty',
    script: ({ world }) => `import os; print(os.listdir('${world.tree}/hidden') or 'nothing there')`,
    changes: ({ world }) => ({ hidden: [join(world.tree, 'hidden')] }),
  },
  {
    name: 'reads a single hidden file, and may not',
    script: ({ world }) => `print(open('${world.tree}/hidden/key').read(), 'done')`,
    refusal: /Permission denied/,
    changes: ({ world }) => ({ hidden: [join(world.tree, 'hidden/key')] }),
  },
  {
    name: 'looks around in the tree’s closed parent, and sees the tree alone',
    script: ({ world }) =>
      `import os; seen = os.listdir('${world.root}'); print(seen, 'done' if seen != ['app'] else '')`,
  },
  {
    name: 'connects to a port of the host, and nobody answers',
    script: ({ port }) => `import socket; socket.create_connection(('127.0.0.1', ${port}), 2); print('done')`,
    refusal: /Connection refused/,
  },
  {
    name: 'reaches for another network, and has none',
    script: () => "import socket; socket.create_connection(('192.0.2.1', 80), 2); print('done')",
    refusal: /Network is unreachable/,
  },
  {
    name: 'looks for its secret in environments and command lines, and finds it nowhere',
    script: () => `
import glob
for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):
    try:
        if ${JSON.stringify(SECRET.split(' '))}[0].encode() + b' horse' in open(path, 'rb').read().split(b'import glob')[0]: print('done', path)
    except OSError: pass`,
    changes: withSecret,
  },
  {
    name: 'becomes root, and may not',
    script: () => "import os; os.setuid(0); print('done')",
    refusal: /Operation not permitted/,
  },
  {
    name: 'runs a set-uid program to become root, and stays who it is',
    script: () => `
import subprocess
who = subprocess.run(['su', '-c', 'id -u'], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
if who.strip() == '0': print('done')`,
  },
  {
    name: 'makes a user namespace to be root in, and may not',
    script: () =>
      "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); print('done' if c.unshare(0x10000000) == 0 else os.strerror(ctypes.get_errno()))",
  },
  {
    name: 'makes a user namespace through clone, and may not',
    script: () =>
      "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); r = c.syscall(56, 0x10000000 | 17, 0, 0, 0, 0); print('done' if r >= 0 else os.strerror(ctypes.get_errno()))",
  },
  {
    name: 'mounts a file system over the tree, and may not',
    script: () =>
      "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); print('done' if c.mount(b'x', b'/tmp', b'tmpfs', 0, 0) == 0 else os.strerror(ctypes.get_errno()))",
  },
  {
    name: 'stores something in its user’s keyring for the next run, and may not',
    script: () =>
      "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); print('done' if c.syscall(248, b'user', b'k', b'v', 1, -4) >= 0 else os.strerror(ctypes.get_errno()))",
  },
  {
    name: 'kills the agent by its pid, and does not reach it',
    script: () => `import os; os.kill(${process.pid}, 9); print('done')`,
    refusal: /No such process/,
  },
  {
    name: 'traces the agent by its pid, and does not reach it',
    script: () =>
      `import ctypes, os; c = ctypes.CDLL(None, use_errno=True); print('done' if c.ptrace(16, ${process.pid}, 0, 0) == 0 else os.strerror(ctypes.get_errno()))`,
  },
  {
    name: 'kills the first process of its own namespace, and may not',
    script: () => "import os; os.kill(1, 9); print('done')",
    refusal: /Operation not permitted/,
  },
  {
    name: 'lists processes, and sees only its own',
    script: () =>
      "import os; seen = [p for p in os.listdir('/proc') if p.isdigit()]; print(seen, 'done' if len(seen) > 2 else '')",
  },
  {
    name: 'makes a device node, and may not',
    script: () => "import os; os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0)); print('done')",
    refusal: /Operation not permitted/,
  },
  {
    name: 'has the loader bring a library into the programs that start it, and only its own process takes it',
    script: () => "print('kept private')",
    changes: ({ world }) => ({ env: { LD_PRELOAD: join(world.tree, 'installed.txt') } }),
  },
  {
    name: 'raises a limit that it was given, and may not',
    script: () => "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 40, 1 << 40)); print('done')",
    refusal: /not allowed to raise|Operation not permitted/,
  },
];

describe('the sandbox, when a payload', function () {
  this.timeout(60_000);
  let world: SandboxWorld;
  let server: Server;
  let surroundings: Surroundings;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
    mkdirSync(join(world.tree, 'hidden'));
    writeFileSync(join(world.tree, 'hidden/key'), 'private');
    server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    surroundings = { world, port: (server.address() as AddressInfo).port };
  });
  after(() => {
    server?.close();
    world?.remove();
  });

  it('is tried with at least twenty-five attacks', () => expect(ATTACKS).to.have.length.of.at.least(25));

  for (const { name, script, changes, refusal, absent } of ATTACKS) {
    it(name, async () => {
      const before = world.onDisk();
      const outcome = await world.python(script(surroundings), changes?.(surroundings));
      expect(outcome.ended.by, JSON.stringify(outcome.ended)).to.equal('exit');
      expect(outcome.stdout.text).not.to.include('done');
      if (refusal !== undefined) expect(outcome.stderr.text).to.match(refusal);
      else expect(outcome.ended).to.deep.equal({ by: 'exit', code: 0 }, outcome.stderr.text);
      for (const path of absent?.(surroundings) ?? []) expect(existsSync(path), path).to.equal(false);
      expect(world.onDisk()).to.deep.equal(before);
    });
  }

  it('needs the network and the spec grants it, reaches the host’s ports', async () => {
    const script = `import socket; print(socket.create_connection(('127.0.0.1', ${surroundings.port}), 5).recv(5).decode())`;
    const outcome = await world.python(script, { network: 'host' });
    expect(outcome.stdout.text).to.equal('hello\n');
  });

  it('has secrets, reads them as files that are its alone', async () => {
    const script = `
import os
for name in sorted(os.listdir('/run/keyturn/secrets')):
    path = '/run/keyturn/secrets/' + name
    status = os.stat(path)
    print(name, oct(status.st_mode), status.st_uid == os.getuid(), open(path, 'rb').read())`;
    const secrets = { token: Buffer.from(SECRET), key: Buffer.from([0, 255, 10]), empty: Buffer.alloc(0) };
    const outcome = await world.python(script, { secrets });
    expect(outcome.stdout.text.trim().split('\n')).to.deep.equal([
      "empty 0o100400 True b''",
      "key 0o100400 True b'\\x00\\xff\\n'",
      `token 0o100400 True b'${SECRET}'`,
    ]);
  });

  it('runs, has no capability, no way to a new privilege, and a user of its own', async () => {
    const outcome = await world.run([
      'grep',
      '-E',
      '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):',
      '/proc/self/status',
    ]);
    const status = statusOf(outcome);
    const { uid } = outcome.sandbox;
    if (process.getuid?.() === 0) expect(uid).to.be.greaterThan(60_000);
    expect(status.Uid).to.equal(`${uid} ${uid} ${uid} ${uid}`);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status[set]).to.match(/^0+$/, set);
    expect(status).to.include({ NoNewPrivs: '1', Seccomp: '2' });
  });

  it('is granted a writable path, writes there and nowhere else', async () => {
    const folder = join(world.root, 'output');
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const script = `echo result > ${folder}/report.txt; echo x > ${world.tree}/planted`;
    const outcome = await world.run(['sh', '-c', script], { writable: [folder] });
    const written = world.onDisk();
    rmSync(folder, { recursive: true });
    expect(outcome.stderr.text).to.match(/Read-only file system/);
    expect(written).to.include({ '/output/report.txt': 'result\n' }).and.not.have.property('/app/planted');
  });

  it('was installed below a closed folder outside all masked ones, starts and sees nothing else in there', async function () {
    if (process.getuid?.() !== 0) skipAloud(this, 'this needs root');
    const closed = mkdtempSync('/var/lib/keyturn-test-');
    mkdirSync(join(closed, 'app'), { mode: 0o755 });
    writeFileSync(join(closed, 'neighbour'), 'private');
    const tree = join(closed, 'app');
    const outcome = await world.run(['ls', closed], { tree, cwd: tree });
    rmSync(closed, { recursive: true });
    expect(outcome.stdout.text).to.equal('app\n');
  });
});

function statusOf(outcome: ProcessOutcome): Record<string, string> {
  const lines = outcome.stdout.text.trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...values] = line.split(/:?\s+/);
      return [name, values.join(' ')];
    }),
  );
}
