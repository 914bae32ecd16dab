/** P2, P3, P7: what a live process sees, what is told of it, and how it ends; in the real sandbox. */
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { expect } from 'chai';
import type { Sandbox } from '../../../host-agent/sandbox/sandbox.ts';
import { LIVE_LINE_CHARACTERS, LIVE_LINE_COUNT, LIVE_OUTPUT_CHARACTERS } from '../../../shared/orders/live-run.ts';
import { verifyPermitToken } from '../../../shared/orders/permit-token.ts';
import type { Enable } from '../../../shared/rpc/generated/messages.ts';
import { MINUTE_MS, OTHER_SECRET, OTHER_SECRET_NAME, ProvenWorld } from '../../support/proven-world.ts';
import { APP, SECRET, SECRET_NAME } from '../../support/world-release.ts';
import { pidsSaying, requireSandbox } from '../sandbox/sandbox-world.ts';
import { LiveHost, STAYS, told } from './live-world.ts';

const ALL_SECRETS =
  'import glob\nfor path in sorted(glob.glob("/run/keyturn/secrets/*")): print(os.path.basename(path))\n';

describe('a live process', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let sandbox: Sandbox;
  let order: Enable;
  let host: LiveHost;

  before(async function () {
    sandbox = await requireSandbox(this);
    world = await ProvenWorld.start();
    order = await world.order();
  });
  beforeEach(async () => {
    host = new LiveHost(world, sandbox);
    expect(await host.enable(order)).to.deep.include({ state: 'open', epoch: 0 });
  });
  afterEach(() => host[Symbol.asyncDispose]());
  after(() => world?.[Symbol.asyncDispose]());

  describe('sees', () => {
    it('P7: the secrets of its entrypoint and its permit, and no other secret', async () => {
      expect((await host.endOf(ALL_SECRETS)).stdout).to.equal(`${SECRET_NAME}\nkeyturn-permit\n`);
      expect((await host.endOf(ALL_SECRETS, 'bare')).stdout).to.equal('keyturn-permit\n');
    });

    it('P7: nothing of the agent: neither its state nor its keys nor its environment', async () => {
      const scenario = `print(sorted(os.environ))
for path in ${JSON.stringify([host.stateDirectory, `${host.stateDirectory}/identity`, `${host.stateDirectory}/secrets`])}:
    print(os.listdir(path) if os.path.exists(path) else "nothing")
`;
      const names = ['HOME', 'KEYTURN_GATE_SOCKET', 'KEYTURN_LIVE_RUN', 'KEYTURN_PERMIT', 'LANG', 'PATH'];
      const [first, ...others] = (await host.endOf(scenario)).stdout.split('\n');
      for (const name of names) expect(first).to.contain(`'${name}'`);
      expect(first).to.not.contain('KEYTURN_AGENT');
      expect(others).to.deep.equal(["['run']", 'nothing', 'nothing', '']);
    });

    it('a permit for itself: this run, this order, this epoch, until the window of the order ends', async () => {
      const scenario = 'open(out + "/permit", "w").write(open(os.environ["KEYTURN_PERMIT"]).read())';
      const { record, ended } = await host.start(scenario);
      await ended;
      const token = host.written('permit');
      const { expiresMs, ...said } = verifyPermitToken(token, host.means.hostPublicKey);
      const { live, app, entrypoint, epoch, order: by } = record;
      expect(said).to.deep.equal({ host: host.means.host, live, app, entrypoint, epoch, order: by });
      const view = host.view;
      expect(view.state === 'open' && view.order.expiresMs).to.equal(expiresMs);
    });

    it('P7: its permit nowhere but in that file: not in arguments, environment, reports or journal', async () => {
      const scenario = `token = open(os.environ["KEYTURN_PERMIT"]).read()
assert token not in open("/proc/self/environ").read() + open("/proc/self/cmdline").read()
open(out + "/permit", "w").write(token)
print("mine is", token, flush=True)
os.write(3, (token + "\\n").encode())
`;
      const end = await host.endOf(scenario);
      expect(end).to.deep.include({ how: 'exit 0', stdout: 'mine is [redacted]\n', lines: ['[redacted]'] });
      const token = host.written('permit');
      expect(host.everythingSent()).to.not.contain(token);
      const tables = host.means.database.prepare('select record from live_runs').pluck().all();
      expect(JSON.stringify(tables)).to.not.contain(token);
    });

    it('P5: a disk that it cannot write, but for the folders that the signed plan names', async () => {
      const scenario = `open(out + "/mine", "w").write("written")
for path in [os.getcwd() + "/tools/live.py", os.getcwd() + "/new", out + "/../new", "/etc/new", "/srv/new"]:
    try:
        open(path, "a").close()
        print("wrote", path)
    except OSError as error: print(type(error).__name__)
`;
      const end = await host.endOf(scenario);
      expect(end.how).to.equal('exit 0');
      expect(end.stdout).to.not.contain('wrote');
      expect(end.stdout.trim().split('\n')).to.have.length(5);
      expect(host.written('mine')).to.equal('written');
    });

    it('a network only where the signed plan gives it one', async () => {
      const server = createServer((socket) => socket.end('hello'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      const scenario = `import socket
try: print(socket.create_connection(("127.0.0.1", ${port}), 5).recv(5).decode())
except OSError as error: print("refused")
`;
      expect((await host.endOf(scenario, 'live')).stdout).to.equal('refused\n');
      expect((await host.endOf(scenario, 'bare')).stdout).to.equal('hello\n');
      server.close();
    });

    it('the gate, and gets a yes in Python, Node and a shell; a no to whoever has no permit or another name', async () => {
      const path = JSON.stringify(`${process.execPath.slice(0, process.execPath.lastIndexOf('/'))}:/usr/bin:/bin`);
      const scenario = `import subprocess
env = {**os.environ, "PATH": ${path}}
def ask(**change):
    for argv in (["python3", "tools/ask.py"], ["node", "tools/ask.mjs"], ["sh", "tools/ask.sh"]):
        print(subprocess.run(argv, env={**env, **change}, capture_output=True).returncode, end=" ")
    print()
ask()
ask(KEYTURN_PERMIT="/etc/hostname")
ask(KEYTURN_GATE_SOCKET="/run/none")
`;
      expect((await host.endOf(scenario)).stdout).to.equal('0 0 0 \n77 77 77 \n77 77 77 \n');
      expect((await host.endOf(scenario, 'bare')).stdout).to.equal('77 77 77 \n77 77 77 \n77 77 77 \n');
    });

    it('P4: a no from the moment of the kill, as long as it has to put things in order', async () => {
      const scenario = `import signal, subprocess
def end(*_):
    print(subprocess.run(["python3", "tools/ask.py"]).returncode, flush=True)
    os._exit(0)
print(subprocess.run(["python3", "tools/ask.py"]).returncode, flush=True)
signal.signal(signal.SIGTERM, end)
open(out + "/began", "w").close()
while True: signal.pause()
`;
      const { ended } = await host.begin(scenario);
      host.kill();
      const end = told(await ended);
      expect(end.stdout.replaceAll('the gate is open\n', '')).to.equal('0\n77\n');
    });
  });

  describe('is told', () => {
    it('P7: without the secrets that it was given, in whatever spelling, also when the host holds others by then', async () => {
      const scenario = `import base64
secret = open("/run/keyturn/secrets/${SECRET_NAME}").read().strip()
print("plain", secret)
print("base64", base64.b64encode(secret.encode()).decode())
print("hex", secret.encode().hex(), file=sys.stderr)
print("other ${OTHER_SECRET}", flush=True)
os.write(3, ("line " + secret + "\\n").encode())
open(out + "/began", "w").close()
import time
while not os.path.exists(out + "/go"): time.sleep(0.01)
`;
      const { ended } = await host.begin(scenario);
      host.writeSecret(SECRET_NAME, 'another-Value-entirely-77');
      host.writeSecret(OTHER_SECRET_NAME, 'another-Value-entirely-78');
      writeFileSync(`${host.out}/go`, '');
      const end = told(await ended);
      expect(end.how).to.equal('exit 0');
      expect(end.stdout).to.equal('plain [redacted]\nbase64 [redacted]=\nother [redacted]\n');
      expect(end.stderr).to.equal('hex [redacted]\n');
      expect(end.lines).to.deep.equal(['line [redacted]']);
      for (const secret of [SECRET, OTHER_SECRET]) expect(host.everythingSent()).to.not.contain(secret);
    });

    it('with the beginning and the end of what it wrote, and how much that was', async () => {
      const end = await host.endOf('print("first"); print("x" * 1000000); print("last")');
      expect(end.outputBytes).to.equal(1_000_012);
      expect(end.stdout.length).to.be.at.most(LIVE_OUTPUT_CHARACTERS);
      expect(end.stdout).to.match(/last\n$/);
    });

    it('with the last lines of descriptor 3, each cut', async () => {
      const scenario = `for line in range(400): os.write(3, (f"line {line} " + "y" * 5000 * (line == 399) + "\\n").encode())`;
      const { lines } = await host.endOf(scenario);
      expect(lines).to.have.length(LIVE_LINE_COUNT);
      expect(lines[0]).to.equal(`line ${400 - LIVE_LINE_COUNT} `);
      expect(lines.at(-1))
        .to.match(/^line 399 y+\.\.\.$/)
        .and.to.have.length(LIVE_LINE_CHARACTERS);
    });

    it('when it prints a gigabyte: nothing of the agent grows, and it goes on to its end', async () => {
      const before = process.memoryUsage().rss;
      const scenario =
        'block = b"z" * (1 << 20)\nfor _ in range(1024): os.write(1, block)\nprint("done", file=sys.stderr)';
      const end = await host.endOf(scenario);
      expect(end).to.deep.include({ how: 'exit 0', stderr: 'done\n', outputBytes: 2 ** 30 + 5 });
      expect(process.memoryUsage().rss - before).to.be.below(300 * 1024 * 1024);
    });

    it('when its program is not there', async () => {
      const end = await host.endOf('os.execv("/nowhere/at/all", ["all"])');
      expect(end.how).to.equal('exit 1');
      expect(end.stderr).to.contain('FileNotFoundError');
    });

    it('when a folder that it may write is not there: nothing was started', async () => {
      host.removeOut();
      const { ended } = await host.startAsItIs();
      expect(told(await ended).how).to.match(/^not started: .*ENOENT/);
    });
  });

  describe('ends', () => {
    it('P4: at a kill, by SIGTERM, and may say a last word', async () => {
      const { ended } = await host.begin();
      host.kill('smoke in the room');
      expect(told(await ended)).to.deep.include({
        how: 'stopped (killed: smoke in the room), exit 0',
        stdout: 'ending well\n',
      });
    });

    it('P4: by SIGKILL when it ignores SIGTERM, with all that it forked, in whatever session', async () => {
      const scenario = `import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for leaves in (False, True):
    if os.fork() == 0:
        if leaves:
            os.setsid()
            if os.fork() != 0: os._exit(0)
        os.execvp("sleep", ["sleep", "1000.59375"])
open(out + "/began", "w").close()
while True: time.sleep(1)
`;
      const { ended } = await host.begin(scenario);
      while (pidsSaying('1000.59375').length < 2) await new Promise(setImmediate);
      host.kill();
      const { how } = told(await ended);
      expect(how).to.match(/^stopped \(killed: .*\), signal SIGKILL$/);
      expect(pidsSaying('1000.59375')).to.deep.equal([]);
    });

    it('P3: when the gate closes by time', async () => {
      const { ended } = await host.begin();
      await host.passAlone(10 * MINUTE_MS);
      expect(told(await ended).how).to.equal('stopped (the lease has lapsed), exit 0');
      expect(host.view).to.deep.include({ state: 'closed', reason: 'the lease has lapsed' });
    });

    it('gracefully when the agent stops, before the agent is gone, and the end is on record', async () => {
      const { ended } = await host.begin();
      await host.stop();
      expect(told(await ended).how).to.equal('stopped (the agent stops), exit 0');
      await host.restart();
      expect(host.means.lives.unended()).to.deep.equal([]);
      expect(host.liveReports().at(-1)?.ended?.stdout).to.equal('ending well\n');
    });

    it('and takes along what it left in the background', async () => {
      const end = await host.endOf('if os.fork() == 0: os.execvp("sleep", ["sleep", "1000.84375"])');
      expect(end.how).to.equal('exit 0');
      expect(pidsSaying('1000.84375')).to.deep.equal([]);
    });

    it('alone: another application, and another run of this one, are stopped by their own gate', async () => {
      const { ended } = await host.begin();
      host.means.registry.stop('another', 'its gate has closed');
      const second = await host.start('sys.exit(4)', 'bare');
      expect(told(await second.ended).how).to.equal('exit 4');
      await new Promise(setImmediate);
      expect(host.means.registry.of(APP).map(({ entrypoint }) => entrypoint)).to.deep.equal(['live']);
      host.kill();
      expect(told(await ended).how).to.match(/^stopped/);
    });
  });

  it('P3: cannot be reached through the socket of the gate once nobody listens', async () => {
    await host.endOf('pass');
    const { path } = host.means.socket;
    await host.stop();
    const failure = await new Promise((resolve) => connect({ path }).once('error', resolve));
    expect(failure).to.have.property('code').that.is.oneOf(['ECONNREFUSED', 'ENOENT']);
  });

  it('P8: of which nothing is told but the start, while it runs', async () => {
    await host.begin(STAYS);
    expect(host.liveReports().map(({ ended }) => ended)).to.deep.equal([undefined]);
    expect(host.means.lives.unended()).to.have.length(1);
  });
});
