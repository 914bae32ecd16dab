import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';

import {
  captureFacts,
  captureFingerprint,
  findTargetReferences,
  surveyHost,
} from '../../../host-agent/install/fingerprint.ts';
import { compareFingerprints } from '../../../host-agent/install/fingerprint-difference.ts';
import { type InstallFixture, installFixture, writeFiles } from '../../support/install-fixture.ts';

describe('host-agent/install/fingerprint', () => {
  let fixture: InstallFixture;
  let hostRoot: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    fixture = installFixture();
    hostRoot = join(fixture.folder, 'host');
    writeFiles(hostRoot, {
      'etc/systemd/system/web.service': '[Service]\nExecStart=/usr/bin/web\n',
      'etc/systemd/system/web.timer': '[Timer]\nOnCalendar=daily\n',
      'etc/crontab': '0 1 * * * root /usr/bin/backup\n',
      'etc/cron.d/rotate': '# rotate\n',
      'var/spool/cron/crontabs/alice': '@daily true\n',
      'home/alice/.config/systemd/user/own.service': '[Service]\n',
    });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    fixture.remove();
  });

  const capture = () => captureFingerprint({ places: fixture.context.places, preserve: ['old'], hostRoot });
  const target = () => fixture.context.places.installPath;

  it('is the same twice, and counts what it says it counts', async () => {
    const [first, second] = [await capture(), await capture()];
    expect(compareFingerprints(first, second)).to.deep.equal({ added: [], removed: [], changed: [] });
    expect(Object.keys(first.facts)).to.include.members([
      'path:old',
      'anchor:old',
      'unit:/etc/systemd/system/web.service',
      'unit:/etc/systemd/system/web.timer',
      'unit:/home/alice/.config/systemd/user/own.service',
      'cron:/etc/crontab',
      'cron:/etc/cron.d/rotate',
      'cron:/var/spool/cron/crontabs/alice',
    ]);
  });

  interface Row {
    readonly change: () => void;
    readonly added?: string;
    readonly removed?: string;
    readonly changed?: string;
  }
  const CHANGES: Readonly<Record<string, Row>> = {
    'a file added to the install root': {
      change: () => writeFileSync(join(fixture.root, 'new'), ''),
      added: 'path:new',
    },
    'a dangling link added to the install root': {
      change: () => symlinkSync('nowhere', join(fixture.root, 'new')),
      added: 'path:new',
    },
    'a name that is no UTF-8 added to the install root': {
      change: () => writeFileSync(Buffer.concat([Buffer.from(`${fixture.root}/`), Buffer.from([0xff])]), ''),
      added: 'path:bytes ff',
    },
    'a neighbour removed': {
      change: () => rmSync(join(fixture.root, 'old'), { recursive: true }),
      removed: 'path:old',
      changed: 'anchor:old',
    },
    'one byte of a neighbour changed': {
      change: () => writeFileSync(join(fixture.root, 'old/version.txt'), '0.4.1\n'),
      changed: 'anchor:old',
    },
    "a neighbour's folder made writable to all": {
      change: () => chmodSync(join(fixture.root, 'old'), 0o777),
      changed: 'path:old',
    },
    'a neighbour swapped for a link to itself': {
      change: () => {
        renameSync(join(fixture.root, 'old'), join(fixture.folder, 'old'));
        symlinkSync(join(fixture.folder, 'old'), join(fixture.root, 'old'));
      },
      changed: 'anchor:old,path:old',
    },
    'a unit added': {
      change: () => writeFileSync(join(hostRoot, 'etc/systemd/system/x.service'), ''),
      added: 'unit:/etc/systemd/system/x.service',
    },
    'a unit enabled by a link': {
      change: () => symlinkSync('web.timer', join(hostRoot, 'etc/systemd/system/enabled.timer')),
      added: 'unit:/etc/systemd/system/enabled.timer',
    },
    'a unit changed': {
      change: () => writeFileSync(join(hostRoot, 'etc/systemd/system/web.service'), '[Service]\nExecStart=/bin/sh\n'),
      changed: 'unit:/etc/systemd/system/web.service',
    },
    'a crontab changed': {
      change: () => writeFileSync(join(hostRoot, 'etc/crontab'), ''),
      changed: 'cron:/etc/crontab',
    },
    "a user's crontab removed": {
      change: () => rmSync(join(hostRoot, 'var/spool/cron/crontabs/alice')),
      removed: 'cron:/var/spool/cron/crontabs/alice',
    },
    'a folder of units that appears': {
      change: () => writeFiles(hostRoot, { 'run/systemd/system/y.timer': '' }),
      added: 'unit:/run/systemd/system/y.timer',
    },
  };
  for (const [what, { change, added = '', removed = '', changed = '' }] of Object.entries(CHANGES)) {
    it(`notices ${what}`, async () => {
      const before = await capture();
      change();
      const difference = compareFingerprints(before, await capture());
      expect({
        added: difference.added.join(),
        removed: difference.removed.join(),
        changed: difference.changed.join(),
      }).to.deep.equal({ added, removed, changed });
    });
  }
  it('notices thirteen changes', () => expect(Object.keys(CHANGES)).to.have.length(13));

  it('gives fingerprint and references of one look, and the facts alone, as each would be by itself', async () => {
    writeFileSync(join(hostRoot, 'etc/cron.d/app'), `* * * * * root ${target()}\n`);
    const options = { places: fixture.context.places, preserve: ['old'], hostRoot };
    const { fingerprint, references } = await surveyHost(options);
    expect(fingerprint.facts).to.deep.equal((await capture()).facts);
    expect(await captureFacts(options)).to.deep.equal({ facts: fingerprint.facts });
    const { processCount: _, hiddenProcessCount: __, ...found } = await findTargetReferences(options);
    expect(references).to.deep.include(found);
    expect(references.cronEntries).to.deep.equal(['/etc/cron.d/app']);
  });

  it('does not count .keyturn, nor the ports and processes of others', async () => {
    const before = await capture();
    mkdirSync(join(fixture.root, '.keyturn'));
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const after = await capture();
      expect(compareFingerprints(before, after)).to.deep.equal({ added: [], removed: [], changed: [] });
      const { port } = server.address() as { port: number };
      expect(after.listeningPorts).to.include(`tcp 127.0.0.1:${port}`);
    } finally {
      server.close();
    }
  });

  it('counts a process by its program, working folder or argument, and the port it holds', async () => {
    mkdirSync(target());
    copyFileSync('/bin/sleep', join(target(), 'sleep'));
    chmodSync(join(target(), 'sleep'), 0o755);
    const before = await capture();
    const listen = 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>console.log(s.address().port))';
    const byProgram = start(join(target(), 'sleep'), ['300']);
    const byFolder = start('/bin/sleep', ['300'], { cwd: target() });
    const byArgument = start(process.execPath, ['-e', listen, join(target(), 'x')]);
    const [line] = (await once(byArgument.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const address = `tcp 127.0.0.1:${line.toString().trim()}`;
    await Promise.all([byProgram, byFolder].map((child) => child.pid ?? once(child, 'spawn')));
    const difference = compareFingerprints(before, await capture());
    const pids = [byProgram, byFolder, byArgument].map((child) => `process:${child.pid}`);
    expect(difference).to.deep.equal({ added: [`port:${address}`, ...pids].sort(), removed: [], changed: [] });
    const found = await findTargetReferences({ places: fixture.context.places, hostRoot });
    expect([...found.processes].sort()).to.deep.equal(
      [
        `pid ${byProgram.pid} (program, argument)`,
        `pid ${byFolder.pid} (working-folder)`,
        `pid ${byArgument.pid} (argument)`,
      ].sort(),
    );
    expect(found.ports).to.deep.equal([address]);
  });

  it("keeps nothing of a process's arguments, for they may be secret", async () => {
    start('/bin/sleep', ['300'], { argv0: `sleep ${target()} hunter2` });
    await new Promise((resolve) => children[0]?.once('spawn', resolve));
    const fingerprint = await capture();
    expect(Object.keys(fingerprint.facts).some((key) => key.startsWith('process:'))).to.equal(true);
    expect(JSON.stringify(fingerprint)).to.not.contain('hunter2');
  });

  it('finds units, links and cron entries that name the target, by its path on the host or in the plan', async () => {
    writeFileSync(join(hostRoot, 'etc/systemd/system/app.service'), `ExecStart=${target()}/bin/run\n`);
    writeFileSync(join(hostRoot, 'etc/systemd/system/plan.service'), 'ExecStart="/opt/dot/app-1.0/bin/run"\n');
    writeFileSync(
      join(hostRoot, 'etc/systemd/system/other.service'),
      'ExecStart=/opt/dot/app-1.0.1/bin/run\nX=/srv/opt/dot/app-1.0\n',
    );
    symlinkSync(join(target(), 'app.timer'), join(hostRoot, 'etc/systemd/system/app.timer'));
    writeFileSync(join(hostRoot, 'etc/cron.d/app'), `* * * * * root ${target()}\n`);
    const found = await findTargetReferences({ places: fixture.context.places, hostRoot });
    expect(found.units).to.deep.equal([
      '/etc/systemd/system/app.service',
      '/etc/systemd/system/app.timer',
      '/etc/systemd/system/plan.service',
    ]);
    expect(found.cronEntries).to.deep.equal(['/etc/cron.d/app']);
    expect(found.processes).to.deep.equal([]);
    expect(found.processCount).to.be.at.least(1);
  });

  it('reads the real host', async () => {
    const fingerprint = await captureFingerprint({ places: fixture.context.places, preserve: ['old'] });
    expect(Object.keys(fingerprint.facts).length).to.be.at.least(2);
  });

  function start(
    program: string,
    argv: readonly string[],
    options: { cwd?: string; argv0?: string } = {},
  ): ChildProcess {
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'ignore'], ...options });
    children.push(child);
    return child;
  }
});
