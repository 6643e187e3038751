"""Hashes, trees and byte layouts that the Solidity contracts share."""
