/**
 * EtcdLoad: keeps N puts outstanding at one etcd member, and prints a line a second as our client does. Speaks gRPC over
 * node:http2 by hand, since nothing else here needs a client for it: a put is one stream, all on a few connections.
 *
 *   node --import tsx bench/programs/etcd-load.ts http://127.0.0.1:2379 256 128
 */
import { type ClientHttp2Session, connect } from 'node:http2';
import { Tally } from '../../src/cli/latency.ts';

/** A member takes 100 streams or more on each connection, and shares its work by connection. */
const STREAMS_PER_CONNECTION = 64;
const KEYS = 10_000;
const GRPC_HEAD_BYTES = 5;

const [url = '', outstandingText = '1', valueBytesText = '64'] = process.argv.slice(2);
const outstanding = Number(outstandingText);
const value = Buffer.alloc(Number(valueBytesText), 'v');
const tally = new Tally(true);
let second = 0;

/** `PutRequest { key = 1, value = 2 }` behind the head of a gRPC message. */
function putRequest(key: string): Buffer {
  const keyBytes = Buffer.from(key);
  const body = Buffer.concat([field(1, keyBytes), field(2, value)]);
  const head = Buffer.alloc(GRPC_HEAD_BYTES);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function field(number: number, bytes: Buffer): Buffer {
  const head = [(number << 3) | 2];
  for (let rest = bytes.length; ; rest >>>= 7) {
    head.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** Puts again and again, one at a time. */
function putOn(session: ClientHttp2Session, worker: number): void {
  let count = 0;
  const put = (): void => {
    const startedAt = performance.now();
    const stream = session.request({
      ':method': 'POST',
      ':path': '/etcdserverpb.KV/Put',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('trailers', (trailers) => {
      if (trailers['grpc-status'] !== '0')
        throw new Error(`etcd refused: ${String(trailers['grpc-message'])}`);
    });
    stream.on('error', (error) => {
      throw error;
    });
    stream.resume();
    stream.on('end', () => {
      tally.add(value.length, 1000 * (performance.now() - startedAt));
      put();
    });
    stream.end(putRequest(`${worker}-${count++ % Math.ceil(KEYS / outstanding)}`));
  };
  put();
}

const sessions = Array.from({ length: Math.ceil(outstanding / STREAMS_PER_CONNECTION) }, () => connect(url));
for (let worker = 0; worker < outstanding; worker++) {
  const session = sessions[worker % sessions.length];
  if (session !== undefined) putOn(session, worker);
}
setInterval(() => {
  const line = { type: 'second', second: second++, values: tally.values, latencyUs: tally.latency };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  tally.reset();
}, 1000);
