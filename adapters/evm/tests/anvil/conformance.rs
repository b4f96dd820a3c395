//! The suite of the port, for each kind of asset.

mod eth {
    use crate::harness::{Evm, Swapped};

    async fn eth(test: &str) -> Option<Evm> {
        Evm::ready(test, Swapped::Eth).await
    }

    kofo_adapter_api::conformance_tests!(eth =>
        always, transfers, dust, mempool, wrong_locks, stranger, faulty_node, outage, forgetful, overheard, fees, counted,
        together, redeem_alone, entrusted, third_party, third_party_alone, third_party_entrusted
    );
}

mod erc20 {
    use crate::harness::{Evm, Swapped};

    async fn erc20(test: &str) -> Option<Evm> {
        Evm::ready(test, Swapped::Token).await
    }

    kofo_adapter_api::conformance_tests!(erc20 =>
        always, transfers, mempool, wrong_locks, stranger, together, entrusted, third_party, third_party_alone,
        third_party_entrusted
    );
}

mod usdt_like {
    use crate::harness::{Evm, Swapped};

    async fn usdt_like(test: &str) -> Option<Evm> {
        Evm::ready(test, Swapped::UsdtLike).await
    }

    kofo_adapter_api::conformance_tests!(usdt_like => always, together, third_party);
}

mod echoin {
    use crate::harness::{Evm, Swapped};

    async fn echoin(test: &str) -> Option<Evm> {
        Evm::ready(test, Swapped::Ec).await
    }

    kofo_adapter_api::conformance_tests!(echoin =>
        always, transfers, dust, mempool, wrong_locks, stranger, faulty_node, outage, forgetful, overheard,
        together, redeem_alone, entrusted, third_party, third_party_alone, third_party_entrusted
    );
}

mod eth_with_a_witness {
    use crate::harness::{Evm, Swapped};

    async fn eth_with_a_witness(test: &str) -> Option<Evm> {
        let mut evm = Evm::ready(test, Swapped::Eth).await?;
        evm.config.witnesses = vec![evm.regtest.ethereum().url.clone()];
        Some(evm)
    }

    kofo_adapter_api::conformance_tests!(eth_with_a_witness => always, mempool, faulty_node, outage, fees);
}
