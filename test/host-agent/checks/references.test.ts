/** `no-service`, `no-process` and `port`: what of this host refers to the installation. Real processes and sockets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import type { CheckContext } from '../../../host-agent/checks/observe.ts';
import { observeNoService } from '../../../host-agent/checks/references.ts';
import { askOnce, CheckWorld } from './check-world.ts';

const INSTALLATION = '/opt/incomex/dot/iu-cutter-v0.6';

interface ScheduleRow {
  readonly path: string;
  readonly text: string;
  readonly status: 'PASS' | 'FAIL';
  readonly params?: { paths: string[] };
}

const schedules: Record<string, ScheduleRow> = {
  'a unit that starts the installation': {
    path: '/etc/systemd/system/cutter.service',
    text: `[Service]\nExecStart=${INSTALLATION}/run\n`,
    status: 'FAIL',
  },
  'a timer whose unit works in it': {
    path: '/usr/lib/systemd/system/cutter.service',
    text: `[Service]\nWorkingDirectory=${INSTALLATION}\n`,
    status: 'FAIL',
  },
  'a link to a unit inside it': {
    path: '/etc/systemd/system/multi-user.target.wants/cutter.service',
    text: `-> ${INSTALLATION}/cutter.service`,
    status: 'FAIL',
  },
  'a cron entry that enters it': {
    path: '/etc/cron.d/cutter',
    text: `* * * * * root cd ${INSTALLATION} && ./run\n`,
    status: 'FAIL',
  },
  'a crontab of a user': { path: '/var/spool/cron/crontabs/ops', text: `@daily ${INSTALLATION}/run\n`, status: 'FAIL' },
  'a unit of the neighbour': {
    path: '/etc/systemd/system/cutter.service',
    text: '[Service]\nExecStart=/opt/incomex/dot/iu-cutter/run\n',
    status: 'PASS',
  },
  'a unit of a release whose name only begins alike': {
    path: '/etc/systemd/system/cutter.service',
    text: `[Service]\nExecStart=${INSTALLATION}0/run\n`,
    status: 'PASS',
  },
  'a unit that names a further path of the plan': {
    path: '/etc/systemd/system/cutter.service',
    text: '[Service]\nExecStart=/srv/cutter/run\n',
    status: 'FAIL',
    params: { paths: ['/srv/cutter'] },
  },
};

describe('no-service', () => {
  it('has eight rows', () => {
    expect(Object.keys(schedules)).to.have.length(8);
  });

  for (const [sentence, { path, text, status, params = {} }] of Object.entries(schedules)) {
    it(`${status === 'PASS' ? 'passes' : 'fails'} on ${sentence}`, async () => {
      await using world = new CheckWorld();
      world.write(path, text);
      const observe = (context: CheckContext) => observeNoService(context, { hostRoot: world.rootPrefix });
      const options = { planChecks: new Map([['no-service', observe]]) };
      const answer = await world.ask({ kind: 'no-service', params, options });
      expect(answer.status, answer.text).to.equal(status);
      if (status === 'FAIL') expect(answer.text).to.include(path);
    });
  }

  it('passes on this host, which knows nothing of the installation', async () => {
    expect((await askOnce({}, { kind: 'no-service', params: {} })).status).to.equal('PASS');
  });
});

describe('no-process', function () {
  this.timeout(10_000);

  it('passes when nothing of the installation runs', async () => {
    const answer = await askOnce({}, { kind: 'no-process', params: {} });
    expect(answer.status, answer.text).to.equal('PASS');
  });

  it('fails on a process that works in the installation, and names its pid', async () => {
    await using world = new CheckWorld();
    const child = spawn('sleep', ['3600'], { cwd: world.installPath });
    try {
      await once(child, 'spawn');
      const answer = await world.ask({ kind: 'no-process', params: {} });
      expect(answer.status, answer.text).to.equal('FAIL');
      expect(answer.text).to.include(`pid ${child.pid}`);
    } finally {
      await end(child);
    }
  });

  it('fails on a process that has a file of the installation as argument, and does not show its arguments', async () => {
    await using world = new CheckWorld();
    const child = spawn('tail', ['-f', `${world.installPath}/README.md`, '/dev/null', '--pid=1']);
    try {
      await once(child, 'spawn');
      const answer = await world.ask({ kind: 'no-process', params: {} });
      expect(answer.status, answer.text).to.equal('FAIL');
      expect(answer.text).not.to.include('--pid=1');
    } finally {
      await end(child);
    }
  });
});

describe('port', () => {
  it('taken by another is not free', async () => {
    await using taken = await listen();
    const { status, text } = await askOnce({}, { kind: 'port', params: { port: taken.port, expect: 'free' } });
    expect(status, text).to.equal('FAIL');
    expect(text).to.include(`tcp 127.0.0.1:${taken.port}`);
  });

  it('that somebody listens on passes as listening', async () => {
    await using taken = await listen();
    const { status } = await askOnce({}, { kind: 'port', params: { port: taken.port, expect: 'listening' } });
    expect(status).to.equal('PASS');
  });

  it('that was closed is free, and not listening', async () => {
    const { port, ...closed } = await listen();
    await closed[Symbol.asyncDispose]();
    expect((await askOnce({}, { kind: 'port', params: { port, expect: 'free' } })).status).to.equal('PASS');
    expect((await askOnce({}, { kind: 'port', params: { port, expect: 'listening' } })).status).to.equal('FAIL');
  });

  it('of UDP is not the one of TCP', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    try {
      await once(socket, 'listening');
      const { port } = socket.address();
      const udp = { port, protocol: 'udp', expect: 'listening' };
      expect((await askOnce({}, { kind: 'port', params: udp })).status).to.equal('PASS');
      expect((await askOnce({}, { kind: 'port', params: { port, expect: 'listening' } })).status).to.equal('FAIL');
    } finally {
      socket.close();
      await once(socket, 'close');
    }
  });
});

async function listen() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
