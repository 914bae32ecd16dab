/** The agent's socket before peers that mean no good: each is sent away, takes nothing from the others, and opens nothing. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { askAgent } from '../../../host-agent/local/ask-agent.ts';
import { LocalSocket } from '../../../host-agent/local/local-socket.ts';
import { type LocalAnswer, type LocalRequest, REQUEST_BYTES } from '../../../host-agent/local/messages.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { asNobody } from '../../support/nobody.ts';

const KILL = { do: 'kill', app: 'alpha', reason: 'smoke', by: 'root' } as const;
const KILLED: LocalAnswer = { said: 'killed', app: 'alpha', epoch: 1 };
const NO_REQUEST = /^\{"said":"failed","code":"request-malformed".*\}\n\{"said":"done"\}\n$/;

const NONSENSE: Readonly<Record<string, string | Buffer>> = {
  garbage: Buffer.from([0, 255, 254, 1, 10]),
  'an empty line': '\n',
  'no JSON': 'kill alpha\n',
  null: 'null\n',
  'a list': '[]\n',
  'an unknown wish': '{"do":"open","app":"alpha"}\n',
  'a wish by the name of what every object has': '{"do":"constructor"}\n',
  'a wish that is no text': '{"do":{"do":"kill"},"reason":"x","by":"x"}\n',
  'a member too many': '{"do":"kill","app":"alpha","reason":"x","by":"x","force":true}\n',
  'a member too few': '{"do":"kill","app":"alpha","reason":"x"}\n',
  'a reason that is empty': '{"do":"kill","app":"alpha","reason":"","by":"x"}\n',
  'a reason that is too long': `{"do":"kill","reason":"${'x'.repeat(2001)}","by":"x"}\n`,
  'an application that is a path': '{"do":"kill","app":"../alpha","reason":"x","by":"x"}\n',
  'arguments for an entrypoint': '{"do":"exec","app":"alpha","entrypoint":"live","argv":["-x"]}\n',
  'an entrypoint that is an option': '{"do":"exec","app":"alpha","entrypoint":"--live"}\n',
  'a line beyond the limit': `{"do":"kill","reason":"x","by":"${'x'.repeat(REQUEST_BYTES)}"}\n`,
};

describe('host-agent/local/local-socket', () => {
  let folder: string;
  let path: string;
  let socket: LocalSocket;
  let asked: LocalRequest[];
  let answers: () => AsyncGenerator<LocalAnswer>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-socket-'));
    path = join(folder, 'agent.sock');
    asked = [];
    answers = async function* () {
      yield KILLED;
    };
    socket = socketOf();
    await socket.open();
  });
  afterEach(async () => {
    await socket.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function socketOf(requestMs?: number): LocalSocket {
    const follow = (request: LocalRequest) => {
      asked.push(request);
      return answers();
    };
    return new LocalSocket({ path, follow, ...(requestMs !== undefined && { requestMs }) });
  }

  async function all(request: LocalRequest): Promise<LocalAnswer[]> {
    const heard: LocalAnswer[] = [];
    for await (const answer of (await askAgent(folder, request)) ?? []) heard.push(answer);
    return heard;
  }

  it('gives what is asked, and what is answered, as they are', async () => {
    expect(await all(KILL)).to.deep.equal([KILLED]);
    expect(asked).to.deep.equal([KILL]);
  });

  it('says why not, with the code of a refusal and the hint, and without a code when something is in the way', async () => {
    const thrown = [new RejectedError('app-unknown', 'who?', { hint: 'look' }), new TransientError('full')];
    answers = async function* () {
      yield KILLED;
      throw thrown.shift();
    };
    expect(await all(KILL)).to.deep.equal([
      KILLED,
      { said: 'failed', code: 'app-unknown', message: 'who?', hint: 'look' },
    ]);
    expect(await all(KILL)).to.deep.equal([KILLED, { said: 'failed', message: 'full' }]);
  });

  it('has a row for each nonsense', () => {
    expect(Object.keys(NONSENSE)).to.have.length.at.least(16);
  });

  for (const [what, bytes] of Object.entries(NONSENSE)) {
    it(`sends ${what} away, and serves the next`, async () => {
      const peer = connect(path);
      peer.on('error', () => undefined);
      peer.write(bytes);
      expect(await heard(peer)).to.match(NO_REQUEST);
      expect(asked).to.deep.equal([]);
      expect(await all(KILL)).to.deep.equal([KILLED]);
    });
  }

  it('answers one that has closed its end', async () => {
    const peer = connect({ path, allowHalfOpen: true });
    peer.end(`${JSON.stringify(KILL)}\n`);
    expect(await heard(peer)).to.equal(`${JSON.stringify(KILLED)}\n{"said":"done"}\n`);
  });

  it('sends one away that leaves in the middle of its line', async () => {
    const peer = connect({ path, allowHalfOpen: true });
    peer.end('{"do":"kill"');
    expect(await heard(peer)).to.match(NO_REQUEST);
  });

  it('hears nothing of a second line', async () => {
    const peer = connect(path);
    peer.write(`${JSON.stringify(KILL)}\n${JSON.stringify({ ...KILL, app: 'beta' })}\n`);
    await heard(peer);
    expect(asked).to.deep.equal([KILL]);
  });

  it('sends the silent away in time, and those who never end', async () => {
    await socket.close();
    socket = socketOf(30);
    await socket.open();
    const silent = connect(path);
    const slow = connect(path);
    slow.write('{"do":"ki');
    expect(await Promise.all([heard(silent), heard(slow)])).to.deep.equal(['', '']);
    expect(asked).to.deep.equal([]);
  });

  it('takes no time from what it follows: only the request has to come in time', async () => {
    await socket.close();
    socket = socketOf(30);
    answers = async function* () {
      const silent = connect(path);
      await heard(silent); // sent away when its time was up, and so is ours
      yield KILLED;
    };
    await socket.open();
    expect(await all(KILL)).to.deep.equal([KILLED]);
  });

  it('goes on with what was begun when its peer leaves', async () => {
    const left = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<void>();
    answers = async function* () {
      yield KILLED;
      await left.promise;
      yield KILLED;
      finished.resolve();
    };
    const peer = connect(path);
    peer.write(`${JSON.stringify(KILL)}\n`);
    await once(peer, 'data');
    peer.destroy();
    left.resolve();
    await finished.promise;
  });

  it('is not taken for done by whoever asked when the agent leaves in the middle', async () => {
    answers = async function* () {
      yield KILLED;
      await new Promise(() => {});
    };
    const answering = await askAgent(folder, KILL);
    expect((await answering?.next())?.value).to.deep.equal(KILLED);
    const next = answering?.next();
    await socket.close();
    const error = await next?.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(TransientError);
    expect((error as Error).message).to.include('it left before it was done');
  });

  it('is nobody where none listens: no socket, one of a dead agent, and a file by its name', async () => {
    await socket.close();
    expect(await askAgent(folder, KILL)).to.equal(undefined);
    spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(statSync(path).isSocket()).to.equal(true);
    expect(await askAgent(folder, KILL)).to.equal(undefined);
    rmSync(path);
    writeFileSync(path, '');
    expect(await askAgent(folder, KILL)).to.equal(undefined);
    await socket.open();
    expect(await all(KILL)).to.deep.equal([KILLED]);
  });

  it('does not open where a folder has its name, and says so', async () => {
    await socket.close();
    mkdirSync(path);
    const error = await socket.open().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(Error);
  });

  it('is for its owner alone: another user cannot connect, also where the folder is open to him', () => {
    chmodSync(folder, 0o755);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    const script = `const s = require('net').connect(${JSON.stringify(path)}, () => { console.log('in'); s.destroy(); });
      s.on('error', ({ code }) => console.log(code));`;
    const [program, ...argv] = asNobody([process.execPath, '-e', script]);
    const tried = () => spawnSync(program, argv, { encoding: 'utf8' }).stdout;
    expect(tried()).to.equal('EACCES\n');
    chmodSync(path, 0o666);
    expect(tried(), 'nothing else is in his way').to.equal('in\n');
  });

  it('leaves its name behind for nobody when it closes', async () => {
    await socket.close();
    expect(statSync(path, { throwIfNoEntry: false })).to.equal(undefined);
  });
});

/** All that it says until it hangs up. */
async function heard(peer: Socket): Promise<string> {
  let text = '';
  peer.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  peer.on('error', () => undefined);
  await once(peer, 'close');
  return text;
}
