// What viem sees of a rollup through a follower: run by test_real_clients.py, which says what it reads and prints.
import {
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  defineChain,
  getContract,
  http as overHttp,
  publicActions,
  webSocket,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { input, print, upTo } from "./lines.mjs";

const { http, socket, key, abi, bytecode, sum } = input();

const id = await createPublicClient({ transport: overHttp(http) }).getChainId();
const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
const chain = defineChain({ id, name: "rollup", nativeCurrency, rpcUrls: { default: { http: [http] } } });
const account = privateKeyToAccount(key);
const wallet = createWalletClient({ account, chain, transport: overHttp(), pollingInterval: 100 }).extend(publicActions);
const listener = createPublicClient({ chain, transport: webSocket(socket) });
const own = account.address;

const told = ({ eventName, args, blockNumber, transactionHash }) => ({
  name: eventName,
  arguments: Object.values(args),
  block: Number(blockNumber),
  transaction: transactionHash,
});

const outcome = ({ transactionHash, status, gasUsed, effectiveGasPrice, blockNumber }) => ({
  hash: transactionHash,
  status: status === "success",
  gasUsed,
  gasPrice: effectiveGasPrice,
  block: Number(blockNumber),
});

const mined = async (hash) => wallet.waitForTransactionReceipt({ hash: await hash });

const created = await mined(wallet.deployContract({ abi, bytecode, args: [own, own, own, own] }));
const address = created.contractAddress;
const contract = getContract({ address, abi, client: wallet });
const before = await contract.read.locked([own]);

// Connects: of watches that start before that, each would open a socket of its own.
await listener.getBlockNumber();
const heads = [];
const heard = new Promise((resolve, onError) => {
  listener.watchBlockNumber({ onBlockNumber: (number) => heads.push(Number(number)), onError });
  listener.watchContractEvent({ address, abi, eventName: "Locked", onLogs: ([log]) => resolve(log), onError });
});
const value = BigInt(sum);
const estimated = await contract.estimateGas.lock([], { account, value });
await listener.getBlockNumber();

const sent = await mined(contract.write.lock([], { value }));
const error = await contract.simulate.burn([2n * value], { account }).catch((each) => each);
const refused = error.walk((each) => each instanceof ContractFunctionRevertedError).data;
const event = await heard;
const found = await contract.getEvents.Locked({}, { fromBlock: 0n });

print({
  chain: id,
  contract: address,
  created: outcome(created),
  sent: outcome(sent),
  estimated,
  locked: {
    before,
    atCreation: await contract.read.locked([own], { blockNumber: created.blockNumber }),
    now: await contract.read.locked([own]),
  },
  refused: { name: refused.errorName, arguments: refused.args },
  logs: found.map(told),
  heard: told(event),
  heads: await upTo(Number(sent.blockNumber), heads),
  balances: [
    await wallet.getBalance({ address: own, blockNumber: created.blockNumber }),
    await wallet.getBalance({ address: own, blockNumber: sent.blockNumber }),
  ],
  nonce: await wallet.getTransactionCount({ address: own }),
});
(await listener.transport.getRpcClient()).close();
