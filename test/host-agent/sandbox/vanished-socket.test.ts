/** What is to be hidden may go away while a sandbox is being made: the socket of a program that ends. The payload runs all the same. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { requireSandbox, SandboxWorld } from './sandbox-world.ts';

const RUNS = 12;
const SOCKETS = 30;

describe('the sandbox, while sockets of the host go away', function () {
  this.timeout(60_000);
  let world: SandboxWorld;
  before(async function () {
    world = new SandboxWorld(await requireSandbox(this));
  });
  after(() => world?.remove());

  it('starts the payload whichever of them is gone by then', async () => {
    const failed: string[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const sockets = await Promise.all(Array.from({ length: SOCKETS }, openSocket));
      const running = world.python("print('ran')");
      for (const socket of sockets.reverse()) {
        await nextTurn();
        socket.remove();
      }
      const { ended } = await running;
      if (ended.by !== 'exit') failed.push(JSON.stringify(ended));
    }
    expect(failed).to.deep.equal([]);
  });
});

/** A socket that everybody may write to, in a folder of its own where the sandbox sees the host's files. */
async function openSocket(): Promise<{ remove(): void }> {
  const folder = mkdtempSync('/var/lib/keyturn-test-');
  const server = createServer();
  await listening(server, join(folder, 'server.sock'));
  return {
    remove: () => {
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve) => {
    server.listen({ path, writableAll: true, readableAll: true }, resolve);
  });
}
