// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import { Clones } from "@openzeppelin/contracts/proxy/Clones.sol";
import { ERC1967Proxy } from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import { ERC20, IERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Permit, Nonces } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { ERC20Votes } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import { ERC4626 } from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { ERC721Enumerable } from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";
import { Governor } from "@openzeppelin/contracts/governance/Governor.sol";
import {
    GovernorCountingSimple
} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import { GovernorVotes, IVotes } from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// A token with votes, which anybody can mint.
contract Token is ERC20Permit, ERC20Votes {
    constructor() ERC20("Token", "T") ERC20Permit("Token") { }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 amount) internal override(ERC20, ERC20Votes) {
        super._update(from, to, amount);
    }
}

contract Vault is ERC4626 {
    constructor(IERC20 asset) ERC20("Vault", "V") ERC4626(asset) { }
}

contract Collectible is ERC721Enumerable {
    constructor() ERC721("Collectible", "C") { }

    function mint(address to, uint256 id) external {
        _safeMint(to, id);
    }

    function burn(uint256 id) external {
        _update(address(0), id, msg.sender);
    }
}

contract Assembly is Governor, GovernorCountingSimple, GovernorVotes {
    constructor(IVotes token) Governor("Assembly") GovernorVotes(token) { }

    function votingDelay() public pure override returns (uint256) {
        return 1;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 5;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 1;
    }
}

/// Behind the proxies: its storage is the caller's.
contract Counter {
    uint256 public count;
    mapping(address => uint256) public by;

    event Counted(address indexed who, uint256 count);

    function add(uint256 amount) external payable {
        count += amount;
        by[msg.sender] += amount;
        emit Counted(msg.sender, count);
    }

    function clear() external {
        delete count;
        delete by[msg.sender];
    }

    function close(address payable heir) external {
        selfdestruct(heir);
    }

    receive() external payable { }
}

contract Proxy is ERC1967Proxy {
    constructor(address implementation) ERC1967Proxy(implementation, "") { }

    receive() external payable { }

    function _unsafeAllowUninitialized() internal pure override returns (bool) {
        return true;
    }
}

/// Creates by all means, and destroys what it has just created.
contract Factory {
    address public last;

    constructor() payable { }

    function create(uint256 amount) external payable {
        Counter made = new Counter();
        made.add{ value: msg.value }(amount);
        last = address(made);
    }

    function create2(bytes32 salt) external payable {
        last = address(new Counter{ salt: salt }());
    }

    function clone(address target, bytes32 salt) external {
        last = Clones.cloneDeterministic(target, salt);
    }

    function createAndClose(address payable heir) external payable {
        Counter made = new Counter();
        made.add{ value: msg.value }(1);
        made.close(heir);
    }

    function createRaw(bytes calldata initCode, uint256 value) external payable {
        address made;
        bytes memory code = initCode;
        assembly {
            made := create(value, add(code, 32), mload(code))
        }
        last = made;
    }

    receive() external payable { }
}

/// Reverts, catches, static calls, transient storage, precompiled contracts, the environment.
contract Oddities is ReentrancyGuardTransient {
    error Refused(uint256 why, bytes text);

    event Seen(uint256 indexed a, bytes32 indexed b, address indexed c, bytes data);

    mapping(uint256 => uint256) public kept;

    constructor() payable { }

    function keep(uint256 key, uint256 value) external payable {
        kept[key] = value;
    }

    function swap(uint256 key, uint256 other) external {
        (kept[key], kept[other]) = (kept[other], kept[key]);
    }

    function refuse(uint256 why, bytes calldata text) external {
        kept[why] = why;
        revert Refused(why, text);
    }

    function spin(uint256 turns) external {
        for (uint256 i; i < turns; ++i) {
            kept[i] = gasleft();
        }
    }

    function panic(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b - a;
    }

    function invalid() external pure {
        assembly {
            invalid()
        }
    }

    function guarded(bytes calldata again) external payable nonReentrant returns (bool done) {
        (done,) = address(this).call(again);
        emit Seen(again.length, keccak256(again), msg.sender, again);
    }

    /// Calls on, by one of four kinds, with a part of the gas, and keeps whether it went well.
    function relay(uint256 kind, address to, bytes calldata data, uint256 gasPart) external payable {
        uint256 gasAmount = gasleft() / (gasPart % 8 + 1);
        bool done;
        bytes memory output;
        if (kind % 4 == 0) (done, output) = to.call{ value: msg.value, gas: gasAmount }(data);
        else if (kind % 4 == 1) (done, output) = to.delegatecall{ gas: gasAmount }(data);
        else if (kind % 4 == 2) (done, output) = to.staticcall{ gas: gasAmount }(data);
        else (done, output) = to.call{ value: address(this).balance / 2 }(data);
        emit Seen(kind, keccak256(output), to, output);
    }

    function look(address at, uint256 number) external {
        kept[1] = at.balance;
        kept[2] = at.code.length;
        kept[3] = uint256(at.codehash);
        kept[4] = uint256(blockhash(number));
        kept[5] = block.basefee + block.prevrandao + block.timestamp + block.number + block.gaslimit
            + block.chainid;
        kept[6] = tx.gasprice + uint160(tx.origin) + uint160(address(block.coinbase)) + block.blobbasefee;
    }

    function glance(address at) external returns (uint256 sum) {
        sum = at.balance + at.code.length + uint256(at.codehash) % 1000 + block.timestamp
            + address(this).balance;
        emit Seen(sum, at.codehash, at, at.code);
    }

    function hash(bytes calldata data) external returns (bytes32) {
        kept[7] = uint256(sha256(data));
        kept[8] = uint160(ripemd160(data));
        return keccak256(data);
    }

    function recover(bytes32 digest, uint8 v, bytes32 r, bytes32 s) external {
        kept[9] = uint160(ecrecover(digest, v, r, s));
    }

    receive() external payable { }
}

/// As Oddities, without what needs the specification: no creation, no gas price, no base fee, no block hashes.
contract Plain is Counter {
    mapping(uint256 => uint256) public kept;

    event Seen(uint256 indexed a, bytes32 indexed b, address indexed c, bytes data);

    constructor() payable { }

    function keep(uint256 key, uint256 value) external payable {
        kept[key] = value;
    }

    function relay(uint256 kind, address to, bytes calldata data, uint256 gasPart) external payable {
        uint256 gasAmount = gasleft() / (gasPart % 8 + 1);
        bool done;
        bytes memory output;
        if (kind % 4 == 0) (done, output) = to.call{ value: msg.value, gas: gasAmount }(data);
        else if (kind % 4 == 1) (done, output) = to.delegatecall{ gas: gasAmount }(data);
        else if (kind % 4 == 2) (done, output) = to.staticcall{ gas: gasAmount }(data);
        else (done, output) = to.call{ value: address(this).balance / 2 }(data);
        emit Seen(kind, keccak256(output), to, output);
    }

    function glance(address at) external returns (uint256 sum) {
        sum = at.balance + at.code.length + uint256(at.codehash) % 1000 + block.timestamp
            + address(this).balance;
        emit Seen(sum, at.codehash, at, at.code);
    }

    function refuse(uint256 why) external {
        kept[why] = why;
        revert(string(abi.encode(why)));
    }

    function passing(uint256 key, uint256 value) external payable returns (uint256 before) {
        assembly {
            before := tload(key)
            tstore(key, value)
        }
        if (value > 0) this.passing(key, value - 1);
        else kept[key] = before;
    }
}
