// What ethers sees of a rollup through a follower: run by test_real_clients.py, which says what it reads and prints.
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider } from "ethers";

import { input, print, upTo } from "./lines.mjs";

const { http, socket, key, abi, bytecode, sum } = input();

// Without its cache of a quarter second, which outlasts blocks here: it would sign with a nonce that is used.
const provider = new JsonRpcProvider(http, undefined, { cacheTimeout: -1, pollingInterval: 100 });
const listener = new WebSocketProvider(socket);
const wallet = new Wallet(key, provider);
const own = wallet.address;

const told = ({ fragment, args, blockNumber, transactionHash }) => ({
  name: fragment.name,
  arguments: args.toArray(),
  block: blockNumber,
  transaction: transactionHash,
});

const outcome = ({ hash, status, gasUsed, gasPrice, blockNumber }) => ({
  hash,
  status: status === 1,
  gasUsed,
  gasPrice,
  block: blockNumber,
});

const contract = await new ContractFactory(abi, bytecode, wallet).deploy(own, own, own, own);
const created = await contract.deploymentTransaction().wait();
const address = await contract.getAddress();
const before = await contract.locked(own);

const heads = [];
await listener.on("block", (number) => heads.push(number));
const heard = new Promise((resolve) => {
  new Contract(address, abi, listener).on("Locked", (court, amount, { log }) => resolve(log));
});
const estimated = await contract.lock.estimateGas({ value: sum });
await listener.getBlockNumber();

const sent = await (await contract.lock({ value: sum })).wait();
const refused = await contract.burn.staticCall(2 * sum).catch((error) => error);
const event = await heard;
const found = await contract.queryFilter("Locked", 0);

print({
  chain: Number((await provider.getNetwork()).chainId),
  contract: address,
  created: outcome(created),
  sent: outcome(sent),
  estimated,
  locked: {
    before,
    atCreation: await contract.locked(own, { blockTag: created.blockNumber }),
    now: await contract.locked(own),
  },
  refused: { name: refused.revert.name, arguments: refused.revert.args.toArray() },
  logs: found.map(told),
  heard: told(event),
  heads: await upTo(sent.blockNumber, heads),
  balances: [
    await provider.getBalance(own, created.blockNumber),
    await provider.getBalance(own, sent.blockNumber),
  ],
  nonce: await provider.getTransactionCount(own),
});
await listener.destroy();
provider.destroy();
