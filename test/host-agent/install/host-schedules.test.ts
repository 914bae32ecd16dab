import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readSchedules } from '../../../host-agent/install/host-schedules.ts';
import { writeFiles } from '../../support/install-fixture.ts';
import { skipAloud } from '../../support/skip.ts';

describe('host-agent/install/host-schedules', () => {
  let hostRoot: string;
  beforeEach(() => {
    hostRoot = mkdtempSync(join(tmpdir(), 'keyturn-schedules-'));
  });
  afterEach(() => rmSync(hostRoot, { recursive: true, force: true }));

  const read = () => readSchedules({ hostRoot, naming: ['/opt/dot/app-1'] });

  it('finds nothing on a host without systemd and cron', async () => {
    const { facts, ...rest } = await read();
    expect([...facts]).to.deep.equal([]);
    expect(rest).to.deep.equal({ unitsNaming: [], cronEntriesNaming: [], unreadable: [] });
  });

  const PLACES: Readonly<Record<string, string>> = {
    'etc/systemd/system/multi-user.target.wants/a.service': 'unit',
    'etc/systemd/system/a.service.d/override.conf': 'unit',
    'etc/systemd/user/a.service': 'unit',
    'run/systemd/system/a.timer': 'unit',
    'usr/lib/systemd/system/a.service': 'unit',
    'usr/local/lib/systemd/system/a.service': 'unit',
    'root/.config/systemd/user/a.service': 'unit',
    'home/bob/.config/systemd/user/a.service': 'unit',
    'etc/crontab': 'cron',
    'etc/anacrontab': 'cron',
    'etc/cron.d/a': 'cron',
    'etc/cron.hourly/a': 'cron',
    'etc/cron.daily/a': 'cron',
    'etc/cron.weekly/a': 'cron',
    'etc/cron.monthly/a': 'cron',
    'var/spool/cron/crontabs/root': 'cron',
    'var/spool/cron/root': 'cron',
  };
  for (const [path, kind] of Object.entries(PLACES)) {
    it(`finds a mention in /${path}`, async () => {
      writeFiles(hostRoot, { [path]: 'run=/opt/dot/app-1/bin/run\n' });
      const { facts, unitsNaming, cronEntriesNaming } = await read();
      expect(facts.has(`${kind}:/${path}`)).to.equal(true);
      expect(kind === 'unit' ? unitsNaming : cronEntriesNaming).to.deep.equal([`/${path}`]);
    });
  }
  it('looks in seventeen places', () => expect(Object.keys(PLACES)).to.have.length(17));

  it('takes a link for what it is, and opens no pipe behind it', async () => {
    mkdirSync(join(hostRoot, 'etc/cron.d'), { recursive: true });
    symlinkSync('/dev/zero', join(hostRoot, 'etc/crontab'));
    symlinkSync('/dev/zero', join(hostRoot, 'etc/cron.d/zero'));
    const { facts } = await read();
    expect([...facts]).to.deep.equal([
      ['cron:/etc/crontab', 'link'],
      ['cron:/etc/cron.d/zero', 'link /dev/zero'],
    ]);
  });

  it('says which places are closed to it', async function () {
    if (process.geteuid?.() === 0) {
      skipAloud(this, 'nothing is closed to root');
    }
    writeFiles(hostRoot, { 'var/spool/cron/root': 'x', 'etc/crontab': 'y' });
    chmodSync(join(hostRoot, 'var/spool/cron'), 0);
    try {
      const { facts, unreadable } = await read();
      expect(unreadable).to.deep.equal(['/var/spool/cron']);
      expect(facts.get('cron:/var/spool/cron')).to.equal('closed to the agent');
    } finally {
      chmodSync(join(hostRoot, 'var/spool/cron'), 0o700);
    }
  });

  it('looks into no file that is too large to be a unit, and still counts its content', async () => {
    writeFiles(hostRoot, { 'etc/cron.d/huge': '' });
    writeFileSync(join(hostRoot, 'etc/cron.d/huge'), `${' '.repeat(1024 * 1024)}/opt/dot/app-1`);
    const { facts, cronEntriesNaming } = await read();
    expect(facts.get('cron:/etc/cron.d/huge')).to.match(/^file 644 [0-9a-f]{64}$/);
    expect(cronEntriesNaming).to.deep.equal([]);
  });
});
