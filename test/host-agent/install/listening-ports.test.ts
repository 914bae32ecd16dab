import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { addressText, listeningPorts } from '../../../host-agent/install/listening-ports.ts';

describe('host-agent/install/listening-ports', () => {
  const ADDRESSES: Readonly<Record<string, string>> = {
    '0100007F:1F90': '127.0.0.1:8080',
    '00000000:0016': '0.0.0.0:22',
    '00000000000000000000000000000000:01BB': '[::]:443',
    '00000000000000000000000001000000:0035': '[::1]:53',
    'B80D01200000000067452301EFCDAB89:0050': '[2001:db8::123:4567:89ab:cdef]:80',
  };
  for (const [field, text] of Object.entries(ADDRESSES)) {
    it(`reads ${field} as ${text}`, () => expect(addressText(field)).to.equal(text));
  }

  it('takes listening TCP and unconnected UDP from the tables that there are', async () => {
    const proc = mkdtempSync(join(tmpdir(), 'keyturn-proc-'));
    try {
      mkdirSync(join(proc, 'net'));
      const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
      const row = (at: string, state: string, inode: number) =>
        `   0: ${at} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0\n`;
      writeFileSync(join(proc, 'net/tcp'), head + row('0100007F:1F90', '0A', 11) + row('0100007F:1F91', '01', 12));
      writeFileSync(join(proc, 'net/udp'), head + row('00000000:0035', '07', 13) + row('00000000:0036', '01', 14));
      expect(await listeningPorts(proc)).to.deep.equal([
        { address: 'tcp 127.0.0.1:8080', inode: '11' },
        { address: 'udp 0.0.0.0:53', inode: '13' },
      ]);
    } finally {
      rmSync(proc, { recursive: true });
    }
  });

  for (const host of ['127.0.0.1', '::1']) {
    it(`finds a real listener on ${host}`, async () => {
      const server = createServer().listen(0, host);
      await once(server, 'listening');
      try {
        const { port } = server.address() as { port: number };
        const shown = host.includes(':') ? `[${host}]` : host;
        expect((await listeningPorts('/proc')).map(({ address }) => address)).to.include(`tcp ${shown}:${port}`);
      } finally {
        server.close();
      }
    });
  }
});
