/** What a hostile payload tries against the host around it, and what is left there afterwards: nothing. */
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { cgroupMounts } from '../../../host-agent/sandbox/cgroup-mounts.ts';
import type { ProcessOutcome, SandboxSpec } from '../../../host-agent/sandbox/sandbox.ts';
import { skipAloud } from '../../support/skip.ts';
import { pidsOfUser, ROOMY_LIMITS, requireSandbox, SandboxWorld } from './sandbox-world.ts';

interface Attack {
  /** Python; prints `done` if the attack succeeded. */
  readonly script: string | ((host: Host) => string);
  readonly changes?: Partial<SandboxSpec>;
  /** What the failed attempt said on either stream. */
  readonly refusal?: RegExp;
  /** How it ended; an exit, if not given. */
  readonly ended?: ProcessOutcome['ended'];
}

/** Programs of the host that wait to be reached. */
interface Host {
  readonly world: SandboxWorld;
  readonly abstractName: string;
  readonly runSocket: string;
  readonly openSocket: string;
}

const LIBC = 'import ctypes, os, time\nc = ctypes.CDLL(None, use_errno=True)\n';
const tells = (call: string) => `${LIBC}print('done' if ${call} >= 0 else os.strerror(ctypes.get_errno()))`;
const connects = (path: string) =>
  `import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect(${path})\nprint('done')`;
const WRITE = (path: string) => `open('${path}', 'w').write('1'); print('done')`;

/** What this process may not raise, its payloads may not either. */
const CORE_LIMIT = /^Max core file size\s+\S+\s+0\b/m.test(readFileSync('/proc/self/limits', 'utf8')) ? 0 : 1;

const ATTACKS: Readonly<Record<string, Attack>> = {
  'connects to an abstract socket of the host, and nobody answers': {
    script: ({ abstractName }) => connects(`'\\0${abstractName}'`),
    refusal: /Connection refused/,
  },
  'connects to a socket in the host’s /run, and finds none': {
    script: ({ runSocket }) => connects(`'${runSocket}'`),
    refusal: /No such file/,
  },
  'connects to a socket that stands open beside a database’s files, and nobody answers': {
    script: ({ openSocket }) => connects(`'${openSocket}'`),
    refusal: /Connection refused|Permission denied/,
  },
  'opens a socket to the hypervisor, and may not': {
    script: "import socket; socket.socket(40, socket.SOCK_STREAM); print('done')",
    refusal: /Address family not supported/,
  },
  'opens a socket to the kernel’s ciphers, and may not': {
    script: "import socket; socket.socket(38, socket.SOCK_SEQPACKET); print('done')",
    refusal: /Address family not supported/,
  },
  'opens a raw socket, and may not': {
    script: "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print('done')",
    refusal: /Operation not permitted/,
  },
  'asks netlink for the host’s interfaces, and sees its own loopback alone': {
    script: "import socket; seen = socket.if_nameindex(); print(seen, 'done' if len(seen) != 1 else '')",
    refusal: /'lo'/,
  },
  'brings up an interface, and may not': {
    script:
      "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 0)); print('done')",
    refusal: /Operation not permitted/,
  },
  'looks through the first process of its namespace at the host, and may not': {
    script: "import os; print(os.listdir('/proc/1/root'), os.listdir('/proc/1/fd'), 'done')",
    refusal: /Permission denied/,
  },
  'reads the environment of the first process of its namespace, and may not': {
    script: "print(open('/proc/1/environ').read(), 'done')",
    refusal: /Permission denied/,
  },
  'traces the first process of its namespace, and may not': {
    script: tells('c.ptrace(16, 1, 0, 0)'),
    refusal: /Operation not permitted/,
  },
  'reads another process’s memory by system call, and may not': {
    script: tells('c.syscall(310, os.getppid(), None, 0, None, 0, 0)'),
    refusal: /Operation not permitted/,
  },
  'kills all that it can, and meets nobody': {
    script: "import os, signal; os.kill(-1, signal.SIGKILL); print('done')",
    refusal: /Operation not permitted|No such process/,
  },
  'leaves the host’s core dumps a picture of its memory, and leaves none': {
    script:
      "import os, resource; print(resource.getrlimit(resource.RLIMIT_CORE), flush=True); os.abort(); print('done')",
    refusal: new RegExp(`^\\(${CORE_LIMIT}, ${CORE_LIMIT}\\)`),
    ended: { by: 'signal', signal: 'SIGABRT' },
  },
  'has the kernel start a program at the next crash, and may not': {
    script: WRITE('/proc/sys/kernel/core_pattern'),
    refusal: /Permission denied|Read-only/,
  },
  'restarts the host by the magic key, and finds none': {
    script: WRITE('/proc/sysrq-trigger'),
    refusal: /No such file|Permission denied|Read-only/,
  },
  'lifts a bound of its control group, and may not': {
    script: `import glob
for path in glob.glob('/sys/fs/cgroup/**/pids.max', recursive=True) + glob.glob('/sys/fs/cgroup/**/cgroup.procs', recursive=True):
    try: open(path, 'w').write('1'); print('done', path)
    except OSError: pass`,
  },
  'joins the keyring of its user, and may not': { script: tells('c.syscall(250, 1, None)'), refusal: /not permitted/ },
  'asks for a key of the host, and may not': {
    script: tells("c.syscall(249, b'user', b'k', None, -4)"),
    refusal: /not permitted/,
  },
  'leaves shared memory behind, and takes it along': {
    script: `${LIBC}print('kept private' if c.shmget(0x4b455954, 4096, 0o1666) >= 0 else 'refused')`,
    refusal: /kept private|refused/,
  },
  'leaves a file in shared memory, and takes it along': {
    script: "open('/dev/shm/keyturn-planted', 'w').write('x'); print('kept private')",
    refusal: /kept private/,
  },
  'leaves a message queue behind, and may not': {
    script: `${LIBC}print('done' if c.mq_open(b'/keyturn-planted', 0o102, 0o666, None) >= 0 and os.path.exists('/dev/mqueue/keyturn-planted') else 'kept private')`,
    refusal: /kept private/,
  },
  'looks for disks and memory among the devices, and finds none': {
    script:
      "import os, stat; seen = [n for n in os.listdir('/dev') if stat.S_ISBLK(os.stat('/dev/' + n, follow_symlinks=False).st_mode) or n in ('mem', 'kmem', 'kmsg', 'fuse', 'kvm', 'vsock')]; print(seen, 'done' if seen else '')",
    refusal: /\[\]/,
  },
  'looks for descriptors that it was not given, and has none': {
    script: `import os
own = os.open('/', os.O_RDONLY)
seen = {fd: os.readlink('/proc/self/fd/%d' % fd) for fd in range(3, own)}
print(seen, 'done' if any(target != '/dev/null' for target in seen.values()) else '')`,
    refusal: /^\{/,
  },
  'sends the agent a descriptor through its output, and the agent drops it': {
    script: `import array, os, socket
pipe = socket.socket(fileno=1)
pipe.sendmsg([b'kept private'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [os.open('/etc/hostname', 0)] * 200))])
pipe.detach()`,
    refusal: /kept private/,
  },
  'reads the agent’s side of its output, and finds it empty': {
    script: `import socket
pipe = socket.socket(fileno=1)
pipe.setblocking(False)
try: print('done', pipe.recv(100))
except BlockingIOError: pass
pipe.setblocking(True)
pipe.detach()`,
  },
  'types into a terminal of the host, and has none': {
    script: "import fcntl; fcntl.ioctl(open('/dev/tty'), 0x5412, b'x'); print('done')",
    refusal: /No such device/,
  },
  'sets the clock, and may not': {
    script: "import time; time.clock_settime(time.CLOCK_REALTIME, 0); print('done')",
    refusal: /Operation not permitted/,
  },
  'pushes itself before others, and may not': {
    script: "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); print('done')",
    refusal: /Operation not permitted/,
  },
  'loads a program into the kernel, and may not': { script: tells('c.syscall(321, 5, None, 0)'), refusal: /permitted/ },
  'runs another architecture’s calls around the filter, and may not': {
    script: tells('c.syscall(0x40000000 | 165, None, None, None, 0, None)'),
    refusal: /not implemented/,
  },
  'opens a file by its handle, around all mounts, and may not': {
    script: tells('c.syscall(304, -100, None, 0)'),
    refusal: /Operation not permitted/,
  },
  'takes back what releases it, so that a later start goes without, and may not': {
    script: "import os; os.rmdir('/run/keyturn/start/released'); print('done')",
    refusal: /Permission denied/,
  },
  'times out while a daemon, forked twice, holds its pipes, and both end': {
    script: `import os, signal, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.execv('/bin/sleep', ['sleep', '1000.8125'])
    os._exit(0)
time.sleep(1000.875)
print('done')`,
    changes: { limits: { ...ROOMY_LIMITS, wallMs: 700 } },
    ended: { by: 'limit', limit: 'wall' },
  },
};

describe('a hostile payload', function () {
  this.timeout(60_000);
  let host: Host;
  let servers: Server[];
  let beside: string;
  before(async function () {
    if (process.arch !== 'x64') skipAloud(this, 'the numbers of the system calls are those of x64');
    if (process.getuid?.() !== 0) skipAloud(this, 'only root can put sockets where a host has them');
    const world = new SandboxWorld(await requireSandbox(this));
    beside = mkdtempSync('/var/lib/keyturn-test-');
    chmodSync(beside, 0o755);
    const name = `keyturn-test-${process.pid}`;
    host = { world, abstractName: name, runSocket: `/run/${name}.sock`, openSocket: join(beside, 'server.sock') };
    servers = await Promise.all([`\0${name}`, host.runSocket, host.openSocket].map(listenAt));
  });
  after(() => {
    for (const server of servers ?? []) server.close();
    if (beside !== undefined) rmSync(beside, { recursive: true });
    host?.world.remove();
  });

  it('attacks from at least thirty sides', () => {
    expect(Object.keys(ATTACKS)).to.have.length.of.at.least(30);
    console.log(`      ${Object.keys(ATTACKS).length} attacks`);
  });

  for (const [name, { script, changes, refusal, ended }] of Object.entries(ATTACKS)) {
    it(name, async () => {
      const before = host.world.onDisk();
      const outcome = await host.world.python(typeof script === 'string' ? script : script(host), changes);
      const said = outcome.stdout.text + outcome.stderr.text;
      expect(outcome.stdout.text, said).not.to.include('done');
      if (refusal !== undefined) expect(said).to.match(refusal);
      if (ended !== undefined) expect(outcome.ended).to.deep.equal(ended);
      else expect(outcome.ended.by).to.equal('exit');
      expect(host.world.onDisk()).to.deep.equal(before);
      expect(leftOf(outcome)).to.deep.equal({ processes: [], planted: [], groups: [], sharedMemory: [], queues: [] });
    });
  }

  it('that is granted the network reaches the socket, which shows that it was there to be reached', async () => {
    const outcome = await host.world.python(connects(`'${host.openSocket}'`), { network: 'host' });
    expect(outcome.stdout.text).to.equal('done\n');
  });

  it('that is granted the folder of a socket reaches it', async () => {
    const outcome = await host.world.python(connects(`'${host.openSocket}'`), { readable: [beside] });
    expect(outcome.stdout.text).to.equal('done\n');
  });
});

async function listenAt(path: string): Promise<Server> {
  const server = createServer((socket) => socket.end()).listen(path);
  await once(server, 'listening');
  if (path.startsWith('/')) chmodSync(path, 0o777);
  return server;
}

/** What of a run is still on the host. */
function leftOf({ sandbox: { uid } }: ProcessOutcome) {
  const planted = ['/tmp', '/dev/shm', '/dev/mqueue', '/var/lib/systemd/coredump', '/var/crash'].filter(existsSync);
  return {
    processes: pidsOfUser(uid),
    planted: planted.flatMap((folder) => readdirSync(folder).filter((name) => /keyturn-planted|^core/.test(name))),
    groups: cgroupMounts().flatMap(({ ownFolder }) => groupsIn(ownFolder)),
    sharedMemory: rowsOf('/proc/sysvipc/shm').filter((row) => row.includes(` ${uid} `)),
    queues: rowsOf('/proc/sysvipc/msg').filter((row) => row.includes(` ${uid} `)),
  };
}

function groupsIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(`keyturn-${process.pid}-`)) : [];
}

function rowsOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(1);
}
