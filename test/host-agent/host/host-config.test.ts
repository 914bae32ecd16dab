/** What the owner of a host decides stands in one file, and nothing that is wrong with it is guessed around. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  checkHostConfig,
  type HostConfig,
  loadHostConfig,
  saveHostConfig,
} from '../../../host-agent/host/host-config.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { absolutePathSchema } from '../../../shared/release/plan.ts';
import { codeOf } from '../../support/errors-of.ts';

const CONFIG: HostConfig = {
  schema: 'keyturn.agent/v1',
  host: 'devhost-1',
  gateway: 'control.example:7402',
  labels: { env: 'prod' },
  installRoots: ['/opt/dot'],
  rootPrefix: '',
};

const MALFORMED: Record<string, object> = {
  'of another schema': { schema: 'keyturn.agent/v2' },
  'with a member that nobody knows': { trustEverything: true },
  'without a host': { host: undefined },
  'with a host in capitals': { host: 'DevHost-1' },
  'with a host that is a path': { host: '../devhost-1' },
  'with a gateway without a port': { gateway: 'control.example' },
  'with a gateway that is a URL': { gateway: 'https://control.example:7402' },
  'with a gateway of two lines': { gateway: 'control.example:7402\n' },
  'without an install root': { installRoots: [] },
  'with a relative install root': { installRoots: ['opt/dot'] },
  'with an install root that ends in a slash': { installRoots: ['/opt/dot/'] },
  'with an install root that climbs': { installRoots: ['/opt/../etc'] },
  'with the root itself for an install root': { installRoots: ['/'] },
  'with too many install roots': { installRoots: Array.from({ length: 65 }, (_, index) => `/opt/${index}`) },
  'with a relative root prefix': { rootPrefix: 'rehearsal' },
  'with a label that is no text': { labels: { env: 1 } },
  'with a label that is too long': { labels: { env: 'x'.repeat(129) } },
};

describe('the configuration of a host', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is read as it was saved, and only its owner can read it', () => {
    saveHostConfig(folder, CONFIG);
    expect(loadHostConfig(folder)).to.deep.equal(CONFIG);
    expect(statSync(join(folder, 'agent.json')).mode & 0o777).to.equal(0o600);
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
    expect(readdirSync(folder)).to.deep.equal(['agent.json']);
  });

  for (const gateway of ['[::1]:7402', '10.0.0.7:1', 'gateway:65535']) {
    it(`takes ${gateway} for a gateway`, () => {
      expect(checkHostConfig({ ...CONFIG, gateway }).gateway).to.equal(gateway);
    });
  }

  it('is malformed in at least seventeen ways', () => {
    expect(Object.keys(MALFORMED).length).to.be.at.least(17);
  });

  for (const [title, change] of Object.entries(MALFORMED)) {
    it(`is refused ${title}, whether it is made or read`, async () => {
      const config = { ...CONFIG, ...change };
      expect(await codeOf(() => checkHostConfig(config))).to.equal('agent-config-malformed');
      writeFileSync(join(folder, 'agent.json'), JSON.stringify(config));
      expect(await codeOf(() => loadHostConfig(folder))).to.equal('agent-config-malformed');
    });
  }

  it('has paths as plans have them, and names every fault', () => {
    const paths = [
      '/',
      '//',
      '/a',
      '/a/',
      'a',
      '/a/../b',
      '/a/./b',
      '/.',
      '/..',
      '/...',
      '/a b',
      '/a\0',
      `/${'x'.repeat(LIMITS.pathBytes)}`,
    ];
    for (const path of paths) {
      const isTaken = () => checkHostConfig({ ...CONFIG, installRoots: [path] });
      if (absolutePathSchema.safeParse(path).success) expect(isTaken().installRoots).to.deep.equal([path]);
      else expect(isTaken, path).to.throw('"installRoots": expected 1 to 64 absolute paths');
    }
    const wrong = { ...CONFIG, host: 'UPPER', rootPrefix: 7, more: 1 };
    expect(() => checkHostConfig(wrong)).to.throw(
      'failed to configure this host: "more" is not known; "host": expected a DNS name in lower case, got "UPPER"; "rootPrefix": expected an absolute path, or "", got 7',
    );
  });

  it('that is not there means that the host is not enrolled', async () => {
    expect(await codeOf(() => loadHostConfig(folder))).to.equal('not-enrolled');
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  for (const [title, text] of Object.entries({
    'is cut off': '{"schema":"keyturn',
    'is empty': '',
    'is null': 'null',
  })) {
    it(`that ${title} is told as damage, not as an enrolment that is due`, async () => {
      writeFileSync(join(folder, 'agent.json'), text);
      expect(await codeOf(() => loadHostConfig(folder))).to.equal('agent-config-malformed');
    });
  }
});
