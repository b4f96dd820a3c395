// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HashLanes} from "../src/HashLanes.sol";
import {TestToken} from "./tokens/Tokens.sol";
import {Vm} from "./Vm.sol";

/// A deployed contract (from the checked-in artifact), two parties, and short words for what tests do.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant CHAIN_ID = 31337;
    address internal constant ETH = address(0);
    uint48 internal constant T = 1_800_000_000;
    uint16 internal constant LANE = 7;
    uint16 internal constant EPHEMERAL_LANE = 0x8007;
    bytes32 internal constant PREIMAGE = keccak256("a preimage");
    uint256 internal constant REDEEMER_KEY = 0xA11CE;
    uint256 internal constant OWNER_KEY = 0xB0B;

    HashLanes internal lanes;
    TestToken internal token;
    address internal owner = vm.addr(OWNER_KEY);
    address internal redeemer = vm.addr(REDEEMER_KEY);
    address internal stranger = address(0x57A6);

    function setUp() public virtual {
        lanes = HashLanes(deploy(CHAIN_ID));
        token = new TestToken();
        vm.deal(owner, 1_000 ether);
        token.mint(owner, 1_000 ether);
        vm.prank(owner);
        token.approve(address(lanes), type(uint256).max);
        vm.warp(T - 1000);
    }

    /// The artifact of the profile that forge runs under.
    function deploy(uint256 chainId) internal returns (address where) {
        bool echoin = keccak256(bytes(vm.envOr("FOUNDRY_PROFILE", "default"))) == keccak256("echoin");
        string memory build = echoin ? "artifacts/HashLanes.echoin.json" : "artifacts/HashLanes.ethereum.json";
        bytes memory code = abi.encodePacked(vm.getCode(build), abi.encode(chainId));
        assembly ("memory-safe") {
            where := create(0, add(code, 0x20), mload(code))
            if iszero(where) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    /// Computed once: SHA-256 is a call, and a call would use up a prank.
    bytes32 private h0 = sha256(abi.encodePacked(PREIMAGE));

    function hashlock() internal view returns (bytes32) {
        return h0;
    }

    function slotOf(address who, uint16 lane) internal pure returns (uint256) {
        return (uint256(uint160(who)) << 96) | lane;
    }

    function termsOf(bytes32 h, address to, uint48 timelock) internal pure returns (bytes32) {
        return keccak256(abi.encode(h, to, timelock));
    }

    function commitmentOf(bytes32 h, HashLanes.Lock memory it) internal pure returns (bytes32) {
        return keccak256(abi.encode(termsOf(h, it.redeemer, it.timelock), it.amount, it.token));
    }

    function held(uint256 slot) internal view returns (uint256) {
        uint256[] memory which = new uint256[](1);
        which[0] = slot;
        return uint256(lanes.slots(which)[0]);
    }

    function theLock(uint16 lane, uint256 amount, address asset) internal view returns (HashLanes.Lock memory) {
        return HashLanes.Lock(slotOf(owner, lane), redeemer, T, amount, asset);
    }

    function lockEth(uint16 lane, uint256 amount) internal returns (HashLanes.Lock memory) {
        vm.prank(owner);
        lanes.lock{value: amount}(lane, termsOf(hashlock(), redeemer, T));
        return theLock(lane, amount, ETH);
    }

    function lockTokens(uint16 lane, uint256 amount, address asset) internal returns (HashLanes.Lock memory) {
        vm.prank(owner);
        lanes.lockToken(lane, termsOf(hashlock(), redeemer, T), asset, amount);
        return theLock(lane, amount, asset);
    }

    function domain() internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("HashLanes"),
                keccak256("1"),
                CHAIN_ID,
                address(lanes)
            )
        );
    }

    function signed(uint256 key, bytes memory message) internal view returns (bytes memory) {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain(), keccak256(message)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function releaseWord(uint256 key, HashLanes.Lock memory it) internal view returns (bytes memory) {
        bytes32 kind = keccak256("Release(uint256 slot,bytes32 commitment)");
        return signed(key, abi.encode(kind, it.slot, commitmentOf(hashlock(), it)));
    }

    function redeemForWord(uint256 key, HashLanes.Lock memory it, address relayer, uint256 fee)
        internal
        view
        returns (bytes memory)
    {
        bytes32 kind = keccak256("RedeemFor(uint256 slot,bytes32 commitment,address relayer,uint256 fee)");
        return signed(key, abi.encode(kind, it.slot, commitmentOf(hashlock(), it), relayer, fee));
    }

    function toWord(string memory kind, uint256 key, HashLanes.Lock memory it, address to)
        internal
        view
        returns (bytes memory)
    {
        return signed(key, abi.encode(keccak256(bytes(kind)), it.slot, commitmentOf(hashlock(), it), to));
    }
}
