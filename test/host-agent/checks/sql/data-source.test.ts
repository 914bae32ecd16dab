/** Data source names, good and bad; of a bad one nothing is told (P7). */
import { expect } from 'chai';
import { parseDataSource } from '../../../../host-agent/checks/sql/data-source.ts';
import { refusalOf } from './looking.ts';

const parse = (text: string) => parseDataSource(Buffer.from(text));
const POSTGRES = {
  engine: 'postgresql',
  host: 'db.example',
  port: 5432,
  user: 'reader',
  password: 'hush',
  database: 'live',
  tls: 'require',
  trustedCertificates: undefined,
};

const GOOD: Record<string, readonly [text: string, source: object]> = {
  'a URL of PostgreSQL': ['postgresql://reader:hush@db.example/live', POSTGRES],
  'its short form, with a line end': ['postgres://reader:hush@db.example:5432/live\n', POSTGRES],
  'encoded characters': [
    'postgres://re%40der:h%2Fu%3Ash%25@db.example/li%20ve',
    { ...POSTGRES, user: 're@der', password: 'h/u:sh%', database: 'li ve' },
  ],
  'an "@" in the password': ['postgres://reader:hu@sh@db.example/live', { ...POSTGRES, password: 'hu@sh' }],
  'no database: that of the role': ['postgres://reader:hush@db.example', { ...POSTGRES, database: 'reader' }],
  'this host, in clear': ['postgres://reader:hush@localhost/live', { ...POSTGRES, host: 'localhost', tls: 'disable' }],
  'an address of six': ['postgres://reader:hush@[::1]:6/live', { ...POSTGRES, host: '::1', port: 6, tls: 'disable' }],
  'a socket as a parameter': [
    'postgres://reader:hush@/live?host=/run/pg&port=7',
    { ...POSTGRES, host: '/run/pg', port: 7, tls: 'disable' },
  ],
  'a socket in the place of the host': [
    'postgres://reader:hush@%2Frun%2Fpg/live',
    { ...POSTGRES, host: '/run/pg', tls: 'disable' },
  ],
  'TLS that is preferred, which is required elsewhere': [
    'postgres://reader:hush@db.example/live?sslmode=prefer',
    POSTGRES,
  ],
  'no TLS, said aloud': ['postgres://reader:hush@db.example/live?sslmode=disable', { ...POSTGRES, tls: 'disable' }],
  'TLS with certificates to trust': [
    'postgres://reader:hush@db.example/live?sslmode=verify-full&sslrootcert=/etc/ca.pem',
    { ...POSTGRES, tls: 'verify-full', trustedCertificates: '/etc/ca.pem' },
  ],
  'a URL of SQLite': ['sqlite:///var/lib/live.db', { engine: 'sqlite', path: '/var/lib/live.db' }],
  'a URL of SQLite with a slash more': ['sqlite:////var/lib/live.db', { engine: 'sqlite', path: '/var/lib/live.db' }],
  'a path': ['/var/lib/live.db\n', { engine: 'sqlite', path: '/var/lib/live.db' }],
};

const BAD: Record<string, string> = {
  nothing: '',
  'another database': 'mysql://reader:hush@db.example/live',
  'a relative path': 'live-hush.db',
  'a relative path of SQLite': 'sqlite://hush.db',
  'no role': 'postgres://db.hush/live',
  'a port that is none': 'postgres://reader:hush@db.example:70000/live',
  'a port that is a word': 'postgres://reader@db.example/live?port=hush',
  'a character that is not encoded': 'postgres://reader:hush%@db.example/live',
  'a mode of TLS that is none': 'postgres://reader:hush@db.example/live?sslmode=hush',
  'a setting of the session': 'postgres://reader:hush@db.example/live?options=-c%20default_transaction_read_only%3Doff',
  'another role as a parameter': 'postgres://reader:hush@db.example/live?user=postgres',
  'a NUL byte': 'postgres://reader:hush\0@db.example/live',
  'a connection string of key and value': 'host=db.example password=hush',
};

describe('a data source name', () => {
  it('is good in fifteen ways and bad in thirteen', () => {
    expect([Object.keys(GOOD).length, Object.keys(BAD).length]).to.deep.equal([15, 13]);
  });

  for (const [sentence, [text, source]] of Object.entries(GOOD)) {
    it(`may be ${sentence}`, () => expect(parse(text)).to.deep.equal(source));
  }

  for (const [sentence, text] of Object.entries(BAD)) {
    it(`P7: is refused with ${sentence}, and none of it is told`, async () => {
      const { code, text: told } = await refusalOf(Promise.resolve().then(() => parse(text)));
      expect(code).to.equal('data-source-malformed');
      expect(told).not.to.include('hush').and.not.include('db.example');
    });
  }
});
