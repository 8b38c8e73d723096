/** libpaxos/transport: the messages on the wire, and the ports by which a node reaches its world. */
export { ByteBuffer } from './buffer.ts';
export { SystemClock } from './clock.ts';
export { Decoder, type DecoderOptions } from './decode.ts';
export { describeMessage, encodeMessage } from './describe.ts';
export * from './encode.ts';
export * from './encode-commands.ts';
export { type Message, MessageLog } from './message-log.ts';
export {
  type AcceptorStatus,
  type CommandsMessageHandler,
  Consistency,
  type Hello,
  MAX_REASON_BYTES,
  MAX_REPORT_BYTES,
  MAX_SOFTWARE_BYTES,
  type MessageHandler,
  MessageType,
  ReadStatus,
  Role,
} from './messages.ts';
export { freshSeed, SeededRandom, systemRandom } from './random.ts';
export { type TcpOptions, TcpTransport } from './tcp.ts';
export type { Address, Clock, Link, LinkEvents, Listener, Random, Timer, Transport } from './transport.ts';
