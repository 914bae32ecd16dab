/** The examples of a payload that asks, each as a process before a real Unix socket: one yes, and everything else a no. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ASKS = fileURLToPath(new URL('../../payloads/asks', import.meta.url));
const LANGUAGES = {
  python: ['python3', join(ASKS, 'ask.py')],
  node: [process.execPath, join(ASKS, 'ask.mjs')],
  shell: ['/bin/sh', join(ASKS, 'ask.sh')],
} as const;

const YES = '{"open":true}\n';
/** What is hard to put into one line of JSON: quotes, a backslash, letters beyond ASCII. */
const PERMIT = 'eyJ"quoted"\\back.đường-Ω';
const REFUSED = { code: 77, stdout: '', stderr: 'LIVE refused\n' };

type Gate = (socket: Socket) => void;

const NOS: Readonly<Record<string, Gate>> = {
  'a no': says('{"open":false}\n'),
  garbage: says(Buffer.from([0, 255, 254, 10])),
  'a yes without its line end': says('{"open":true}'),
  'a yes in another spelling': says('{ "open": true }\n'),
  'a yes with something else in it': says('{"open":true,"until":1}\n'),
  'a yes and a second line': says(`${YES}${YES}`),
  'a yes at the end of a huge line': says(`${' '.repeat(1024 * 1024)}${YES}`),
  'a yes at the beginning of a huge line': says(`{"open":true}${' '.repeat(1024 * 1024)}\n`),
  'an empty line': says('\n'),
  'a hang-up': (socket) => socket.destroy(),
  'a hang-up after half a yes': says('{"open":'),
};

const WITHOUT: Readonly<Record<string, (place: Place) => Record<string, string>>> = {
  'a permit file that is not there': ({ folder, socket }) => ({ ...both(folder, socket), KEYTURN_PERMIT: '/nowhere' }),
  'a permit file that cannot be read as one': ({ folder, socket }) => ({
    ...both(folder, socket),
    KEYTURN_PERMIT: folder,
  }),
  'a variable for the permit': ({ socket }) => ({ KEYTURN_GATE_SOCKET: socket }),
  'a variable for the gate': ({ folder }) => ({ KEYTURN_PERMIT: join(folder, 'permit') }),
  'a name of a gate': ({ folder }) => both(folder, ''),
  'a gate at the socket': ({ folder }) => both(folder, join(folder, 'nobody')),
};

interface Place {
  readonly folder: string;
  readonly socket: string;
}

describe('a payload that asks', () => {
  let folder: string;
  let gate: FakeGate;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-asks-'));
    writeFileSync(join(folder, 'permit'), `${PERMIT}\n`);
    gate = await FakeGate.listen(join(folder, 'gate'));
  });
  afterEach(async () => {
    await gate.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (argv: readonly string[], env?: Record<string, string>) => run(argv, env ?? both(folder, gate.socket));

  for (const [language, argv] of Object.entries(LANGUAGES)) {
    describe(`in ${language}`, () => {
      it('goes on for a yes, having shown its permit and its name in one line', async () => {
        gate.answer = says(YES);
        expect(await ask(argv)).to.deep.equal({ code: 0, stdout: 'the gate is open\n', stderr: '' });
        expect(gate.lines.map((line) => JSON.parse(line))).to.deep.equal([{ permit: PERMIT, entrypoint: 'live' }]);
      });

      for (const [what, answer] of Object.entries(NOS)) {
        it(`takes ${what} for a no`, async () => {
          gate.answer = answer;
          expect(await ask(argv)).to.deep.equal(REFUSED);
          expect(gate.lines).to.have.length(1);
        });
      }

      for (const [what, envOf] of Object.entries(WITHOUT)) {
        it(`does not go on without ${what}, whatever a gate would say`, async () => {
          gate.answer = says(YES);
          const { code, stdout, stderr } = await ask(argv, envOf({ folder, socket: gate.socket }));
          expect({ code, stdout }).to.deep.equal({ code: 77, stdout: '' });
          expect(stderr).to.match(/LIVE refused\n$/);
          expect(gate.lines).to.deep.equal([]);
        });
      }
    });
  }

  it('takes silence for a no, in each language', async () => {
    const ends = await Promise.all(Object.values(LANGUAGES).map((argv) => ask(argv)));
    expect(ends.map(({ code, stdout }) => ({ code, stdout }))).to.deep.equal(
      LANGUAGE_NAMES.map(() => ({ code: 77, stdout: '' })),
    );
    expect(gate.lines).to.have.length(LANGUAGE_NAMES.length);
  });

  it('in a shell without Perl is a no, though a gate would say yes', async () => {
    gate.answer = says(YES);
    const { code, stdout } = await run(LANGUAGES.shell, { ...both(folder, gate.socket), PATH: folder });
    expect({ code, stdout }).to.deep.equal({ code: 77, stdout: '' });
    expect(gate.lines).to.deep.equal([]);
  });
});

const LANGUAGE_NAMES = Object.keys(LANGUAGES);

/** Reads one line of each connection and then does what the test says; silent unless said. */
class FakeGate {
  readonly socket: string;
  readonly lines: string[] = [];
  answer: Gate = () => undefined;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(socket: string) {
    this.socket = socket;
    this.#server = createServer((connection) => this.#serve(connection));
  }

  static async listen(socket: string): Promise<FakeGate> {
    const gate = new FakeGate(socket);
    await new Promise<void>((resolve) => gate.#server.listen(socket, resolve));
    return gate;
  }

  async close(): Promise<void> {
    for (const connection of this.#open) connection.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(connection: Socket): void {
    this.#open.add(connection);
    let text = '';
    connection.on('error', () => undefined); // who asked may leave in the middle of a long answer
    connection.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (!text.endsWith('\n')) return;
      this.lines.push(text);
      this.answer(connection);
    });
  }
}

function says(answer: string | Buffer): Gate {
  return (socket) => socket.end(answer);
}

function both(folder: string, socket: string): Record<string, string> {
  return { KEYTURN_PERMIT: join(folder, 'permit'), KEYTURN_GATE_SOCKET: socket };
}

/** In an environment of these variables alone. */
function run(
  [program = '', ...argv]: readonly string[],
  variables: Record<string, string>,
): Promise<{ code: number | string | null | undefined; stdout: string; stderr: string }> {
  const env = { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, ...variables };
  return new Promise((resolve) => {
    execFile(program, argv, { env, cwd: '/' }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
  });
}
