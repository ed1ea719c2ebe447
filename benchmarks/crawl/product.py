"""A product as VTEX's legacy catalogue search answers it, payment blocks included: they are most of its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

__all__ = ["KINDS", "product"]

KINDS = (
    "Arroz", "Feijão", "Café", "Leite", "Queijo", "Biscoito", "Sabonete", "Detergente", "Suco", "Molho", "Azeite",
    "Macarrão", "Iogurte", "Presunto", "Pão", "Manteiga", "Shampoo", "Amaciante", "Cerveja", "Vinho",
)  # fmt: skip
_WORDS = (
    "tradicional", "integral", "orgânico", "selecionado", "especial", "extra", "forte", "suave", "cremoso",
    "crocante", "natural", "light", "zero", "lactose", "açúcar", "glúten", "sabor", "chocolate",
    "morango", "baunilha", "limão", "laranja", "coco", "amendoim", "família", "econômico", "prático",
    "embalagem", "caixa", "pacote", "lata", "garrafa", "pouch", "refil", "rende", "mais",
    "receita", "caseira", "artesanal", "colonial", "serrano", "premium", "gourmet", "nutritivo", "saudável",
    "vitamina", "cálcio", "ferro", "fibras", "proteína", "conserve", "local", "fresco", "arejado",
    "aberto", "consumir", "dias", "refrigerado", "ideal", "preparo", "café", "almoço", "jantar",
    "lanche", "crianças", "adultos", "ingredientes", "contém", "derivados", "trigo", "soja",
)  # fmt: skip
_BRANDS = tuple(f"{first} {second}" for first in ("Vale", "Serra", "Bom", "Casa", "Nova") for second in KINDS[:12])
_CARDS = (("Visa", "2"), ("Mastercard", "4"), ("Elo", "9"), ("Pix", "125"))


def product(draw: Random, product_id: int, skus: Mapping[int, int], *, ids: str, names: str) -> dict[str, Any]:
    """A product document.

    Args:
        draw: Where its accidental properties come from.
        product_id: Its id.
        skus: The default seller's price in cents by SKU id; 0 is sold out.
        ids: Its category's ids, as in `1/17`.
        names: Its category's names.
    """
    department_id, leaf_id = ids.split("/")
    department, leaf = names.split("/")
    words = draw.choices(_WORDS, k=60)
    brand = draw.randrange(len(_BRANDS))
    size = draw.choice((90, 200, 250, 400, 500, 750, 900, 1000))
    name = f"{leaf.split()[0]} {_BRANDS[brand]} {words[0].title()} {words[1].title()} {size}g"
    link_text = f"{name.lower().replace(' ', '-')}-{product_id}"
    return {
        "productId": str(product_id),
        "productName": name,
        "brand": _BRANDS[brand],
        "brandId": 2000 + brand,
        "brandImageUrl": None,
        "linkText": link_text,
        "productReference": str(product_id),
        "productReferenceCode": str(product_id),
        "categoryId": leaf_id,
        "productTitle": f"[{name}] - Supermercados Exemplo",
        "metaTagDescription": "",
        "releaseDate": f"2025-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}T00:00:00Z",
        "productClusters": {"216": "Todos os produtos (Categoria)", str(draw.randrange(300, 600)): "Ofertas"},
        "categories": [f"/{names}/", f"/{department}/"],
        "categoriesIds": [f"/{ids}/", f"/{department_id}/"],
        "link": f"https://www.example.com.br/{link_text}/p",
        "Peso Produto": [f"{size / 1000}"],
        "Unidade de Medida": ["GR"],
        "Especificações": ["Peso Produto", "Unidade de Medida"],
        "allSpecifications": ["Peso Produto", "Unidade de Medida"],
        "allSpecificationsGroups": ["Especificações"],
        "description": " ".join(words),
        "items": [_item(draw, sku_id, name, cents) for sku_id, cents in skus.items()],
    }


def _item(draw: Random, sku_id: int, name: str, cents: int) -> dict[str, Any]:
    image = draw.randrange(100_000, 999_999)
    stamp = draw.randrange(638_000_000, 639_000_000)
    by_weight = draw.random() < 0.03
    multiplier = draw.choice((150, 300, 500, 1200)) if by_weight else 1000
    # The default seller is not always the first one: a client that takes the first gets other prices.
    others = draw.choices((0, 1, 2), weights=(55, 40, 5))[0]
    sellers = [
        _seller(draw, f"loja{number}", sku_id, cents + 37 * number if cents else 0, multiplier)
        for number in range(1, 1 + others)
    ]
    sellers.insert(draw.randrange(others + 1), _seller(draw, "1", sku_id, cents, multiplier))
    return {
        "itemId": str(sku_id),
        "name": name,
        "nameComplete": f"{name} {name}",
        "complementName": "",
        "ean": f"789{sku_id:010d}",
        "referenceId": [{"Key": "RefId", "Value": str(sku_id)}],
        "measurementUnit": "kg" if by_weight else "un",
        "unitMultiplier": multiplier / 1000,
        "modalType": None,
        "isKit": False,
        "estimatedDateArrival": None,
        "Videos": [],
        "images": [
            {
                "imageId": str(image),
                "imageLabel": "",
                "imageTag": f'<img src="~/arquivos/ids/{image}-#width#-#height#/{sku_id}.jpg?v={stamp}0000000000" />',
                "imageUrl": f"https://exemplo.vteximg.com.br/arquivos/ids/{image}/{sku_id}.jpg?v={stamp}0000000000",
                "imageText": str(sku_id),
                "imageLastModified": "2025-01-14T18:39:17.2800000Z",
            }
        ],
        "sellers": sellers,
    }


def _seller(draw: Random, seller_id: str, sku_id: int, cents: int, multiplier: int) -> dict[str, Any]:
    available = cents > 0
    price = cents / 100
    list_price = round(cents * draw.choice((1, 1, 1, 1.2))) / 100
    installments = _installments(price) if available else []
    return {
        "sellerId": seller_id,
        "sellerName": "Supermercados Exemplo" if seller_id == "1" else f"Parceiro {seller_id}",
        "addToCartLink": f"https://www.example.com.br/checkout/cart/add?sku={sku_id}&qty=1&seller={seller_id}&sc=1&price={cents}&cv=_&sc=1",
        "sellerDefault": seller_id == "1",
        "commertialOffer": {
            "Installments": installments,
            "DiscountHighLight": [],
            "GiftSkuIds": [],
            "Teasers": [],
            "PromotionTeasers": [],
            "BuyTogether": [],
            "ItemMetadataAttachment": [],
            "Price": price,
            "ListPrice": list_price,
            "PriceWithoutDiscount": price,
            "FullSellingPrice": cents * multiplier // 1000 / 100 if available else None,
            "RewardValue": 0.0,
            "PriceValidUntil": f"2026-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}T00:00:00Z"
            if available
            else None,
            "AvailableQuantity": draw.choice((1, 10, 100, 99999)) if available else 0,
            "IsAvailable": available,
            "Tax": 0.0,
            "DeliverySlaSamples": [{"DeliverySlaPerTypes": [], "Region": None}],
            "DeliverySlaSamplesPerRegion": {"0": {"DeliverySlaPerTypes": [], "Region": None}},
            "GetInfoErrorMessage": None
            if available
            else "Code: withoutStock | Status:error | Message: não tem estoque",
            "CacheVersionUsedToCallCheckout": "_",
            "PaymentOptions": _payment_options(cents if available else None),
        },
    }


def _installments(price: float) -> list[dict[str, Any]]:
    return [
        {
            "Value": price,
            "InterestRate": 0.0,
            "TotalValuePlusInterestRate": price,
            "NumberOfInstallments": 1,
            "PaymentSystemName": card,
            "PaymentSystemGroupName": "creditCardPaymentGroup",
            "Name": f"{card} à vista",
        }
        for card, _ in _CARDS
    ]


def _payment_options(cents: int | None) -> dict[str, Any]:
    cards = _CARDS if cents is not None else ()
    return {
        "installmentOptions": [
            {
                "paymentSystem": number,
                "bin": None,
                "paymentName": card,
                "paymentGroupName": "creditCardPaymentGroup",
                "value": cents,
                "installments": [
                    {
                        "count": 1,
                        "hasInterestRate": False,
                        "interestRate": 0,
                        "value": cents,
                        "total": cents,
                        "sellerMerchantInstallments": [
                            {
                                "id": "EXEMPLO",
                                "count": 1,
                                "hasInterestRate": False,
                                "interestRate": 0,
                                "value": cents,
                                "total": cents,
                            }
                        ],
                    }
                ],
            }
            for card, number in cards
        ],
        "paymentSystems": [
            {
                "id": int(number),
                "name": card,
                "groupName": "creditCardPaymentGroup",
                "validator": None,
                "stringId": number,
                "template": "creditCardPaymentGroup-template",
                "requiresDocument": False,
                "isCustom": False,
                "description": None,
                "requiresAuthentication": False,
                "dueDate": "2025-06-23T10:00:00Z",
                "availablePayments": None,
            }
            for card, number in cards
        ],
        "payments": [],
        "giftCards": [],
        "giftCardMessages": [],
        "availableAccounts": [],
        "availableTokens": [],
    }
